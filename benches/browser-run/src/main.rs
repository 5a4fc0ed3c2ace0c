//! Opens the built benchmark page in a headless Chromium, waits for its figures and prints them.
//!
//! ```text
//! browser-bench-run DIST QUERY FILE
//! ```
//!
//! DIST is the folder of the page, QUERY what its address ends in, FILE gets its rows for `cargo xtask bench report`. It
//! fails where the page does, and where a bar is missed. `CHROME` and `CHROMEDRIVER` are as for the end-to-end tests.

use std::{
    fs,
    path::Path,
    process::ExitCode,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use todo_e2e::{Device, Session};

/// How long the page may go on without telling of progress. The longest step takes seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// The pause between two questions. Each takes the page some time, which must not be seen in its figures.
const POLL: Duration = Duration::from_millis(500);

const RESULT: &str = "return document.querySelector('main')?.dataset.result ?? null";
const PROGRESS: &str = "return document.querySelector('[role=status]')?.textContent ?? null";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [dist, query, file] = arguments.as_slice() else {
        eprintln!("usage: browser-bench-run DIST QUERY FILE");
        return ExitCode::FAILURE;
    };
    match run(Path::new(dist), query, Path::new(file)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the table is what was asked for")]
fn run(dist: &Path, query: &str, file: &Path) -> Result<(), String> {
    let device = Device::visiting(dist);
    let browser = device.launch();
    browser.visit(query);
    let result = awaited(browser.session())?;
    browser.quit();
    let text = |field: &str| result.get(field).and_then(Value::as_str);
    if let Some(failure) = text("failure") {
        return Err(format!("the page failed: {failure}"));
    }
    println!("{}", text("markdown").unwrap_or_default());
    fs::write(file, text("rows").unwrap_or_default())
        .map_err(|error| format!("{}: {error}", file.display()))?;
    match result.get("missed").and_then(Value::as_array) {
        Some(missed) if missed.is_empty() => Ok(()),
        missed => {
            let missed = missed.into_iter().flatten().filter_map(Value::as_str);
            let missed: Vec<_> = missed.collect();
            Err(format!("bars are missed: {}", missed.join(", ")))
        }
    }
}

/// What the page says at its end. Its progress is told on the way.
fn awaited(session: &Session) -> Result<Value, String> {
    let mut last = Value::Null;
    let mut since = Instant::now();
    while since.elapsed() < PATIENCE {
        if let Value::String(result) = session.script(RESULT, &[]) {
            return serde_json::from_str(&result)
                .map_err(|error| format!("the page's result is no JSON: {error}"));
        }
        let progress = session.script(PROGRESS, &[]);
        if progress != last {
            if let Some(words) = progress.as_str() {
                eprintln!("    {words}");
            }
            (last, since) = (progress, Instant::now());
        }
        sleep(POLL);
    }
    Err(format!(
        "the page did not go on for {} s, after: {last}",
        PATIENCE.as_secs()
    ))
}
