//! `tidy`: the checks that the compiler cannot do.

use anyhow::{Result, bail};

use crate::{step::step, tidy, workspace::Workspace};

/// Prints every violation.
///
/// # Errors
///
/// If there is a violation.
#[expect(clippy::print_stdout, reason = "the violations are the result")]
pub(crate) fn run() -> Result<()> {
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
