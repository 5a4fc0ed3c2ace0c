//! `bench report`: a page of all measurements.

use anyhow::Result;

use crate::{report, workspace::Workspace};

/// Writes the page and prints its path.
#[expect(clippy::print_stdout, reason = "the path is the result")]
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    println!("{}", report::write(workspace)?.display());
    Ok(())
}
