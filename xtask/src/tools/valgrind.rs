//! `valgrind`, whose callgrind counts instructions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Cache, apt};
use crate::{
    cmd::{Cmd, on_path},
    step::step,
};

/// The program.
#[derive(Debug)]
pub(crate) struct Valgrind(PathBuf);

impl Valgrind {
    /// Finds the program in `PATH`, otherwise installs Debian's package.
    ///
    /// # Errors
    ///
    /// If it is missing and cannot be installed. The message says what to install.
    pub(crate) fn find(cache: &Cache) -> Result<Self> {
        if let Some(program) = on_path("valgrind") {
            return Ok(Self(program));
        }
        if !apt::can_install() {
            bail!("install valgrind (Debian, Ubuntu: `apt-get install valgrind`)");
        }
        let _lock = cache.lock()?;
        step("valgrind from apt", || apt::install(&["valgrind"]))?;
        let program = on_path("valgrind");
        program
            .map(Self)
            .context("apt installed valgrind, but it is not in PATH")
    }

    /// Counts the instructions of `program` within the functions whose symbols match `function`.
    pub(crate) fn instructions(
        &self,
        program: &Path,
        args: &[&str],
        function: &str,
        out: &Path,
    ) -> Result<u64> {
        Cmd::new(&self.0)
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", out.display()))
            .arg(format!("--toggle-collect={function}"))
            .arg(program)
            .args(args)
            .run_quietly()?;
        let report = std::fs::read_to_string(out)?;
        total(&report).with_context(|| format!("{} has no total", out.display()))
    }
}

fn total(report: &str) -> Option<u64> {
    let line = |name| report.lines().find_map(|line| line.strip_prefix(name));
    let total = line("totals: ").or_else(|| line("summary: "))?;
    total.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_in_a_report() {
        let report = "events: Ir\nfn=(1) works\n0 12\n\ntotals: 2997\n";
        assert_eq!(total(report), Some(2997));
        assert_eq!(total("events: Ir\n"), None);
    }
}
