//! Opens the built benchmark page in a headless Chromium and waits for its results.
//!
//! `CHROME` and `CHROMEDRIVER` are used as in the end-to-end tests.

use std::{
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value;
use todo_e2e::{Device, Session};

/// The maximum time without progress of the page. The longest step takes seconds.
const PATIENCE: Duration = Duration::from_secs(180);

/// The pause between two polls. Polling costs the page time, so frequent polls would distort its
/// results.
const POLL: Duration = Duration::from_millis(500);

const RESULT: &str = "return document.querySelector('main')?.dataset.result ?? null";
const PROGRESS: &str = "return document.querySelector('[role=status]')?.textContent ?? null";

/// The results of the page.
#[derive(Debug)]
pub struct Figures {
    /// A table in Markdown.
    pub markdown: String,
    /// The rows as JSON, for `cargo xtask bench report`.
    pub rows: String,
    /// The missed targets, as text.
    pub missed: Vec<String>,
}

/// Opens the page in the folder `dist`, at an address that ends in `query`, and waits for its
/// results. Prints progress to standard error.
///
/// # Errors
///
/// If the page fails, or makes no progress for too long. The message says where.
///
/// # Panics
///
/// If there is no page or no browser.
pub fn measured(dist: &Path, query: &str) -> Result<Figures, String> {
    let device = Device::visiting(dist);
    let browser = device.launch();
    browser.visit(query);
    let result = awaited(browser.session())?;
    browser.quit();
    let text = |field: &str| result.get(field).and_then(Value::as_str);
    if let Some(failure) = text("failure") {
        return Err(format!("the page failed: {failure}"));
    }
    let (Some(markdown), Some(rows)) = (text("markdown"), text("rows")) else {
        return Err(format!("the page has no figures: {result}"));
    };
    let missed = result.get("missed").and_then(Value::as_array);
    let words = missed.into_iter().flatten().filter_map(Value::as_str);
    Ok(Figures {
        markdown: markdown.to_owned(),
        rows: rows.to_owned(),
        missed: words.map(str::to_owned).collect(),
    })
}

/// Returns the output of the page when it has finished.
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
