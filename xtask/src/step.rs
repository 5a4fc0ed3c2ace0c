//! Steps of a command, with their output and duration.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

/// Announces a step, runs it and prints how long it took. The output goes to standard error, so
/// that standard output holds only results.
pub(crate) fn step<T>(what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {what} …");
    let start = Instant::now();
    let result = run();
    let took = spell(start.elapsed());
    match result {
        Ok(value) => {
            eprintln!("==> {what} … {took}");
            Ok(value)
        }
        Err(error) => {
            eprintln!("==> {what} … failed after {took}");
            Err(error).with_context(|| what.to_owned())
        }
    }
}

/// A sequence of steps that continues after a failure, so that one run shows every failure.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Done>,
}

/// A step that ran.
#[derive(Debug)]
struct Done {
    what: String,
    took: Duration,
    failed: bool,
}

impl Steps {
    /// Runs one step and prints its error, if it fails.
    pub(crate) fn run(&mut self, what: &str, run: impl FnOnce() -> Result<()>) {
        let start = Instant::now();
        let result = step(what, run);
        self.done.push(Done {
            what: what.to_owned(),
            took: start.elapsed(),
            failed: result.is_err(),
        });
        if let Err(error) = result {
            eprintln!("error: {error:#}");
        }
    }

    /// Prints the time of each step.
    ///
    /// # Errors
    ///
    /// If at least one step failed. The message names all that failed.
    pub(crate) fn finish(self) -> Result<()> {
        eprint!("{}", self.table());
        let failed = self.done.iter().filter(|step| step.failed);
        let failed: Vec<_> = failed.map(|step| step.what.as_str()).collect();
        anyhow::ensure!(failed.is_empty(), "failed: {}", failed.join(", "));
        Ok(())
    }

    /// Formats one line per step, and the total.
    fn table(&self) -> String {
        let total = self.done.iter().map(|step| step.took).sum();
        let name = |step: &Done| step.what.chars().count();
        let width = self.done.iter().map(name).max().unwrap_or_default().max(5);
        let mut table = String::new();
        for step in &self.done {
            let outcome = if step.failed { "  failed" } else { "" };
            // Writing to a string does not fail.
            let _ = writeln!(
                table,
                "{:<width$}  {:>12}{outcome}",
                step.what,
                spell(step.took)
            );
        }
        let _ = writeln!(table, "{:<width$}  {:>12}", "total", spell(total));
        table
    }
}

fn spell(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 60.. => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds @ 10.. => format!("{seconds} s"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_does_not_stop_the_next_but_the_whole() {
        let mut steps = Steps::default();
        let mut ran = false;
        steps.run("first", || anyhow::bail!("broken"));
        steps.run("second", || {
            ran = true;
            Ok(())
        });
        assert!(ran);
        assert_eq!(steps.finish().unwrap_err().to_string(), "failed: first");
    }

    #[test]
    fn the_table_has_a_line_per_step_and_the_total() {
        let done = |what: &str, seconds, failed| Done {
            what: what.to_owned(),
            took: Duration::from_secs(seconds),
            failed,
        };
        let steps = Steps {
            done: vec![done("tidy", 1, false), done("clippy", 70, true)],
        };
        let expected = "tidy           1.0 s\nclippy    1 min 10 s  failed\ntotal     1 min 11 s\n";
        assert_eq!(steps.table(), expected);
    }

    #[test]
    fn times_are_spelled_at_the_scale_a_person_reads() {
        assert_eq!(spell(Duration::from_millis(340)), "0.3 s");
        assert_eq!(spell(Duration::from_secs(27)), "27 s");
        assert_eq!(spell(Duration::from_secs(150)), "2 min 30 s");
    }
}
