//! The same work on this library and its peers, sampled in turn, in one process.
//!
//! ```text
//! compare [--quick] [--bars | --sizes] [--save=FILE] [FILTER]    rows whose work contains FILTER; all by default
//! ```
//!
//! Prints two tables in Markdown.
//!
//! - The first compares this library with the other leptos-sync at many sizes. It shows medians,
//!   and how many times faster ours is. It fails if a row is slower.
//! - The second, which `--bars` prints alone, compares this library with all peers. It shows the
//!   time of each, the target, and whether it is met. It fails if a target is missed.
//!
//! Failing rows are measured up to three more times. The row shows the best result, and how often
//! it was measured. A whole run takes about twenty minutes, and one with `--quick` half of that,
//! mostly for maps of 1,000,000 entries in every library.
//!
//! `--sizes` prints the time of every library at every size instead, for the charts of
//! `cargo xtask bench report`. `--save` stores each printed row in a file; see `saved`.
//!
//! All sides get the same inputs and read the clock equally often. `works` documents for each row
//! the additional work that the interfaces of some sides require.
//!
//! ```text
//! versus    the table that compares with the other leptos-sync
//! bars      the table of targets; `bars::data` defines them
//! sizes     the table of all libraries at all sizes
//! works     the rows of all three
//! saved     the rows as a file
//! peers     the libraries, one file each
//! measure   samples in turn, and their medians
//! heap      the memory of maps, measured by another process
//! ```

pub mod heap;

mod bars;
mod measure;
mod peers;
mod saved;
mod sizes;
mod versus;
mod works;

use std::process::ExitCode;

use measure::Effort;
use saved::Saved;

const USAGE: &str = "usage: compare [--quick] [--bars | --sizes] [--save=FILE] [FILTER]";

/// Prints the tables that the arguments select.
pub fn run(arguments: impl Iterator<Item = String>) -> ExitCode {
    let (flags, filters): (Vec<_>, Vec<_>) = arguments.partition(|word| word.starts_with("--"));
    let (mut quick, mut only_bars, mut only_sizes) = (false, false, false);
    let mut file = None;
    for flag in &flags {
        match flag.as_str() {
            "--quick" => quick = true,
            "--bars" => only_bars = true,
            "--sizes" => only_sizes = true,
            other => match other.strip_prefix("--save=") {
                Some(path) => file = Some(path.into()),
                None => {
                    eprintln!("{USAGE}");
                    return ExitCode::FAILURE;
                }
            },
        }
    }
    let effort = match quick {
        true => Effort::quick(),
        false => Effort::full(),
    };
    let mut saved = Saved::open(file, quick);
    let wanted = |name: &str| filters.iter().all(|filter| name.contains(filter));
    if only_sizes {
        sizes::print(wanted, effort, &mut saved);
        return ExitCode::SUCCESS;
    }
    let slower = match only_bars {
        true => 0,
        false => versus::print(wanted, effort, &mut saved),
    };
    let short = bars::print(wanted, effort, &mut saved);
    if slower > 0 {
        eprintln!("{slower} rows are slower than the other library");
    }
    if short > 0 {
        eprintln!("{short} targets are missed");
    }
    match slower + short {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
