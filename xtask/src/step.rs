//! What is being done and how long it took.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Announces a step, runs it and says how long it took. Goes to standard error, so that standard output holds results
/// only.
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

/// Runs all steps, also behind one that failed, so that one run shows every failure.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    failed: Vec<String>,
}

impl Steps {
    /// Runs one step and keeps its failure for the end.
    pub(crate) fn run(&mut self, what: &str, run: impl FnOnce() -> Result<()>) {
        if let Err(error) = step(what, run) {
            eprintln!("error: {error:#}");
            self.failed.push(what.to_owned());
        }
    }

    /// Fails when a step did.
    pub(crate) fn finish(self) -> Result<()> {
        anyhow::ensure!(self.failed.is_empty(), "failed: {}", self.failed.join(", "));
        Ok(())
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
    fn times_are_spelled_at_the_scale_a_person_reads() {
        assert_eq!(spell(Duration::from_millis(340)), "0.3 s");
        assert_eq!(spell(Duration::from_secs(27)), "27 s");
        assert_eq!(spell(Duration::from_secs(150)), "2 min 30 s");
    }
}
