//! The ways in which the guide's app reaches the browser.

use crate::tools::{CARGO_LEPTOS, PageTool, TRUNK};

/// A way, which has a section of the guide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A page of static files.
    Trunk,
    /// A server that also renders the page.
    CargoLeptos,
}

impl Way {
    /// All ways.
    pub(crate) const ALL: [Self; 2] = [Self::Trunk, Self::CargoLeptos];

    /// Returns the heading of its section.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Trunk => "With trunk",
            Self::CargoLeptos => "With cargo-leptos",
        }
    }

    /// Returns the headings of the other sections.
    pub(super) fn others(self) -> Vec<&'static str> {
        let others = Self::ALL.into_iter().filter(|way| *way != self);
        others.map(Self::heading).collect()
    }

    /// Returns the program that builds its page.
    pub(super) fn tool(self) -> PageTool {
        match self {
            Self::Trunk => TRUNK,
            Self::CargoLeptos => CARGO_LEPTOS,
        }
    }
}
