//! The three filters and their addresses.

use leptos::ev::hashchange;
use leptos::prelude::*;

/// The todos that are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filter {
    All,
    Active,
    Completed,
}

impl Filter {
    pub(crate) const ALL: [Self; 3] = [Self::All, Self::Active, Self::Completed];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::Active => "Active",
            Self::Completed => "Completed",
        }
    }

    pub(crate) fn address(self) -> &'static str {
        match self {
            Self::All => "#/",
            Self::Active => "#/active",
            Self::Completed => "#/completed",
        }
    }

    /// Returns the filter that the address bar names. Returns the filter for all todos if it names
    /// none.
    fn current() -> Self {
        let hash = window().location().hash().unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|filter| filter.address() == hash)
            .unwrap_or(Self::All)
    }
}

/// Returns a signal with the filter that the address bar names. It follows the address bar.
pub(crate) fn use_filter() -> ReadSignal<Filter> {
    let (filter, set_filter) = signal(Filter::current());
    let listener = window_event_listener(hashchange, move |_| set_filter.set(Filter::current()));
    on_cleanup(move || listener.remove());
    filter
}
