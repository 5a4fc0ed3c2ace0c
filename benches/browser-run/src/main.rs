//! Prints the results of the built benchmark page.
//!
//! ```text
//! browser-bench-run DIST QUERY FILE
//! ```
//!
//! DIST is the folder of the page, QUERY the end of its address, and FILE receives its rows for
//! `cargo xtask bench report`. Fails if the page fails or misses a target.

use std::{fs, path::Path, process::ExitCode};

use browser_bench_run::measured;

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
    let figures = measured(dist, query)?;
    println!("{}", figures.markdown);
    fs::write(file, figures.rows).map_err(|error| format!("{}: {error}", file.display()))?;
    match figures.missed.as_slice() {
        [] => Ok(()),
        missed => Err(format!("targets are missed: {}", missed.join(", "))),
    }
}
