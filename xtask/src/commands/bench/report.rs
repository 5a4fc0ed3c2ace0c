//! `bench report`: a page of what was measured.

use anyhow::Result;

use crate::{report, workspace::Workspace};

/// Writes the page and prints its path.
#[expect(clippy::print_stdout, reason = "the path is what was asked for")]
pub(super) fn run(workspace: &Workspace) -> Result<()> {
    println!("{}", report::write(workspace)?.display());
    Ok(())
}
