//! The same work on this library and on the other one, sample by sample in turn, in one process.
//!
//! ```text
//! compare [--quick] [FILTER]    rows whose work contains FILTER; all by default
//! ```
//!
//! Prints a table in Markdown: medians, and how many times faster ours is. Fails if a row is slower than the other
//! library and stays so when it is measured three times more. A row that was measured again says how often, since the
//! best of several is shown.
//!
//! Both sides get the same inputs and do the same reading of clocks; what only one side's interface makes necessary is
//! told in [`works`], row by row.

mod measure;
mod other;
mod works;

use std::process::ExitCode;

use measure::{Effort, Medians};

/// How often a row that looks slower is measured again: a shared machine stutters.
const RETRIES: usize = 3;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (flags, filters): (Vec<_>, Vec<_>) = arguments
        .iter()
        .map(String::as_str)
        .partition(|argument| argument.starts_with("--"));
    let effort = match flags.as_slice() {
        [] => Effort::full(),
        ["--quick"] => Effort::quick(),
        _ => {
            eprintln!("usage: compare [--quick] [FILTER]");
            return ExitCode::FAILURE;
        }
    };
    println!("| Work | Size | ours | other leptos-sync 0.9.0 | ratio |");
    println!("|---|--:|--:|--:|--:|");
    let mut slower = 0;
    for work in works::all() {
        if !filters.iter().all(|filter| work.name.contains(filter)) {
            continue;
        }
        for size in leptos_sync_benches::SIZES {
            let (medians, retries) = measured(work, size, effort);
            println!(
                "| {} | {size} | {} | {} | {:.2} ×{} |",
                work.name,
                shown(medians.ours),
                shown(medians.other),
                medians.ratio(),
                noted(retries)
            );
            slower += usize::from(medians.ratio() < 1.0);
        }
    }
    println!();
    println!("{}", works::LEFT_OUT);
    if slower > 0 {
        eprintln!("{slower} rows are slower than the other library");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// The best of as many measurements as the row needed, and how many of them were repetitions.
fn measured(work: &works::Work, size: usize, effort: Effort) -> (Medians, usize) {
    let mut best = measure::in_turn(work, size, effort);
    let mut retries = 0;
    while best.ratio() < 1.0 && retries < RETRIES {
        retries += 1;
        let again = measure::in_turn(work, size, effort);
        if again.ratio() > best.ratio() {
            best = again;
        }
    }
    (best, retries)
}

fn noted(retries: usize) -> String {
    match retries {
        0 => String::new(),
        retries => format!(" (measured {} times)", retries + 1),
    }
}

/// Nanoseconds in three digits.
fn shown(ns: f64) -> String {
    let (value, unit) = match ns {
        ..1e3 => (ns, "ns"),
        ..1e6 => (ns / 1e3, "µs"),
        _ => (ns / 1e6, "ms"),
    };
    match value {
        ..10.0 => format!("{value:.2} {unit}"),
        ..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}
