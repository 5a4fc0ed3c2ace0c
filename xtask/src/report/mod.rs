//! The page of `cargo xtask bench report`: what the benchmarks have left, drawn.
//!
//! ```text
//! criterion   what `bench` left           ─┐
//! compared    what `bench compare` and     │ read, as far as it is there
//!             `bench browser` saved       ─┘
//! chart       lines of time over sizes
//! plot        a chart as SVG
//! tables      what is asked, and whether it is met; bytes
//! page        all of it as one file of HTML
//! ```

mod chart;
mod compared;
mod criterion;
mod page;
mod plot;
mod quantity;
mod tables;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result};

use self::{chart::Chart, compared::Compared};
use crate::workspace::Workspace;

/// What is there to be drawn.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    criterion: Vec<Chart>,
    compared: Compared,
    browser: Compared,
}

/// Where the comparison with peers saves its rows; the folder is made.
pub(crate) fn compared_file(workspace: &Workspace) -> Result<PathBuf> {
    Ok(folder(workspace)?.join("compare.json"))
}

/// Where the benchmarks in the browser save theirs; the folder is made.
pub(crate) fn browser_file(workspace: &Workspace) -> Result<PathBuf> {
    Ok(folder(workspace)?.join("browser.json"))
}

/// Reads what is there, writes the page and returns its path.
///
/// # Errors
///
/// What is there is of another form; the message names the file.
pub(crate) fn write(workspace: &Workspace) -> Result<PathBuf> {
    let measured = Measured {
        criterion: criterion::charts(&workspace.target.join("criterion"))?,
        compared: Compared::read(&compared_file(workspace)?)?,
        browser: Compared::read(&browser_file(workspace)?)?,
    };
    let path = folder(workspace)?.join("report.html");
    fs::write(&path, page::page(&measured)?)
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

fn folder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_without_figures_says_which_commands_make_them() {
        let page = page::page(&Measured::default()).unwrap();
        for command in [
            "bench",
            "bench compare",
            "bench compare --sizes",
            "bench browser",
        ] {
            let line = format!("<strong>missing</strong>, run <code>cargo xtask {command}</code>");
            assert!(page.contains(&line), "{command}: {page}");
        }
    }
}
