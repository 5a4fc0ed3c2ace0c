//! The instruction count of each benchmark, which does not vary on a busy machine.
//!
//! `benches/instructions.txt` contains the counts and the compiler's version, because other
//! compilers generate other code.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::{
    cmd::Cmd,
    step::step,
    tools::{Cache, Valgrind},
    workspace::Workspace,
};

/// The percentage by which a count may grow. The random seeds of hash tables change it by less.
const TOLERATED: f64 = 5.0;

/// The function of the benchmarks that is measured.
const MEASURED: &str = "*counted*measured*";

const HEAD: &str = "\
# Instructions of each benchmark, as callgrind counts them: `cargo xtask bench check` compares, `cargo xtask bench
# baseline` rewrites them. They hold for one compiler:
";

/// Instruction counts by benchmark.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    compiler: String,
    by_id: BTreeMap<String, u64>,
}

impl Counts {
    /// Builds the benchmarks and runs each of them once under callgrind.
    pub(crate) fn take(workspace: &Workspace) -> Result<Self> {
        let valgrind = Valgrind::find(&Cache::open()?)?;
        let program = step("building the benchmarks", || build(workspace))?;
        let out = workspace.target.join("callgrind.out");
        let ids = Cmd::new(&program).arg("--counted").read()?;
        let by_id = step("counting instructions", || {
            ids.lines()
                .map(|id| {
                    let args = ["--counted", id];
                    let count = valgrind.instructions(&program, &args, MEASURED, &out)?;
                    Ok((id.to_owned(), count))
                })
                .collect::<Result<_>>()
        })?;
        Ok(Self {
            compiler: compiler()?,
            by_id,
        })
    }

    /// Reads the file that [`write`](Counts::write) has written.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let file = file(workspace);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{}: run `cargo xtask bench baseline`", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} is damaged", file.display()))
    }

    /// Writes these counts as the baseline.
    pub(crate) fn write(&self, workspace: &Workspace) -> Result<()> {
        fs::write(file(workspace), self.text()).context("the baseline cannot be written")
    }

    fn text(&self) -> String {
        let mut text = format!("{HEAD}# {}\n", self.compiler);
        for (id, count) in &self.by_id {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{id} {count}");
        }
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (comments, lines): (Vec<_>, Vec<_>) = text.lines().partition(|l| l.starts_with('#'));
        let by_id = lines.into_iter().map(|line| {
            let (id, count) = line.split_once(' ')?;
            Some((id.to_owned(), count.parse().ok()?))
        });
        Some(Self {
            compiler: comments.last()?.strip_prefix("# ")?.to_owned(),
            by_id: by_id.collect::<Option<_>>()?,
        })
    }

    /// Returns a line for each benchmark whose count changed, and an error if a count grew too
    /// much. Does not compare the counts of different compilers.
    pub(crate) fn against(&self, baseline: &Self) -> (String, Result<()>) {
        let mut lines = String::new();
        let mut worse = Vec::new();
        for (id, &now) in &self.by_id {
            let Some(&before) = baseline.by_id.get(id) else {
                worse.push(format!("{id} has no baseline"));
                continue;
            };
            let change = (now as f64 / before as f64 - 1.0) * 100.0;
            if change.abs() >= 1.0 {
                let _ = writeln!(lines, "{id:<26} {before:>12} {now:>12} {change:>+7.1} %");
            }
            if change > TOLERATED {
                worse.push(format!("{id} takes {change:.1} % more instructions"));
            }
        }
        let changed = lines.lines().count();
        let _ = writeln!(
            lines,
            "{} benchmarks, {changed} of them changed by 1 % or more",
            self.by_id.len()
        );
        if self.compiler != baseline.compiler {
            let _ = writeln!(
                lines,
                "not compared: the baseline was made by {}, this is {}",
                baseline.compiler, self.compiler
            );
            worse.clear();
        }
        (lines, verdict(&worse))
    }
}

fn verdict(worse: &[String]) -> Result<()> {
    if worse.is_empty() {
        return Ok(());
    }
    bail!(
        "{}; if that is as it should be, run `cargo xtask bench baseline`",
        worse.join(", ")
    );
}

fn file(workspace: &Workspace) -> PathBuf {
    workspace.root.join("benches/instructions.txt")
}

/// Returns the compiler's version and its host.
fn compiler() -> Result<String> {
    let told = Cmd::new("rustc").arg("-vV").read()?;
    let field = |name| told.lines().find_map(|line: &str| line.strip_prefix(name));
    let host = field("host: ").context("rustc does not say its host")?;
    let version = told.lines().next().unwrap_or_default();
    Ok(format!("{version} for {host}"))
}

/// Builds the benchmarks and returns their program.
fn build(workspace: &Workspace) -> Result<PathBuf> {
    let messages = Cmd::cargo()
        .args(["bench", "--package", "leptos-sync-benches", "--no-run"])
        .args(["--bench", "works", "--message-format", "json"])
        .dir(&workspace.root)
        .read()?;
    let executable = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    executable.context("cargo built no program of the benchmarks")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(compiler: &str, counts: &[(&str, u64)]) -> Counts {
        let by_id = counts.iter().map(|(id, count)| ((*id).to_owned(), *count));
        Counts {
            compiler: compiler.to_owned(),
            by_id: by_id.collect(),
        }
    }

    #[test]
    fn a_baseline_is_read_as_it_was_written() {
        let baseline = counts("rustc 1.90.0 for here", &[("maps/get/1", 12), ("x/y/2", 7)]);
        assert_eq!(Counts::parse(&baseline.text()), Some(baseline));
        assert_eq!(Counts::parse("# rustc\nmaps/get/1 many\n"), None);
    }

    #[test]
    fn more_instructions_than_tolerated_fail_and_are_named() {
        let baseline = counts("rustc", &[("a/b/1", 1000), ("c/d/1", 1000)]);
        let (lines, verdict) =
            counts("rustc", &[("a/b/1", 1049), ("c/d/1", 900)]).against(&baseline);
        assert!(verdict.is_ok());
        assert!(
            lines.contains("+4.9 %") && lines.contains("-10.0 %"),
            "{lines}"
        );
        let (_, verdict) = counts("rustc", &[("a/b/1", 1051), ("c/d/1", 1000)]).against(&baseline);
        assert!(
            verdict
                .unwrap_err()
                .to_string()
                .starts_with("a/b/1 takes 5.1 % more")
        );
    }

    #[test]
    fn a_benchmark_without_a_baseline_fails() {
        let (_, verdict) = counts("rustc", &[("new/one/1", 5)]).against(&counts("rustc", &[]));
        assert!(
            verdict
                .unwrap_err()
                .to_string()
                .contains("new/one/1 has no baseline")
        );
    }

    #[test]
    fn counts_of_another_compiler_are_told_and_not_judged() {
        let baseline = counts("rustc 1", &[("a/b/1", 1000)]);
        let (lines, verdict) = counts("rustc 2", &[("a/b/1", 2000)]).against(&baseline);
        assert!(verdict.is_ok());
        assert!(
            lines.contains("+100.0 %") && lines.contains("rustc 2"),
            "{lines}"
        );
    }
}
