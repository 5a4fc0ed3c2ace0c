//! `tidy`: what the compiler cannot check.

use anyhow::{Result, bail};

use crate::{args::Args, step::step, tidy, workspace::Workspace};

/// Prints every violation and fails when there is one.
#[expect(clippy::print_stdout, reason = "the violations are what was asked for")]
pub(crate) fn run(args: Args) -> Result<()> {
    args.finish()?;
    let violations = step("layers, sizes of files and functions, dependencies", || {
        tidy::check(&Workspace::load()?)
    })?;
    for violation in &violations {
        println!("{violation}");
    }
    match violations.len() {
        0 => Ok(()),
        1 => bail!("1 violation"),
        many => bail!("{many} violations"),
    }
}
