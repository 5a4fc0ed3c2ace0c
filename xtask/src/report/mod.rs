//! The page that `cargo xtask bench report` writes: charts and tables of the benchmarks'
//! results.
//!
//! ```text
//! criterion   results of `bench`           ─┐
//! compared    results of `bench compare`    │ read, if they exist
//!             and `bench browser`          ─┘
//! chart       lines of time over sizes
//! plot        a chart as SVG
//! tables      the bars and whether they are met; bytes
//! page        everything as one HTML file
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

/// The results to show.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    criterion: Vec<Chart>,
    compared: Compared,
    browser: Compared,
}

/// Returns the file of the comparison with peers, and creates its folder.
pub(crate) fn compared_file(workspace: &Workspace) -> Result<PathBuf> {
    Ok(folder(workspace)?.join("compare.json"))
}

/// Returns the file of the benchmarks in the browser, and creates its folder.
pub(crate) fn browser_file(workspace: &Workspace) -> Result<PathBuf> {
    Ok(folder(workspace)?.join("browser.json"))
}

/// Reads the results, writes the page and returns its path.
///
/// # Errors
///
/// If a file has another format. The message names it.
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
