//! The same work on this library and on its peers, sample by sample in turn, in one process.
//!
//! ```text
//! compare [--quick] [--bars | --sizes] [--save=FILE] [FILTER]    rows whose work contains FILTER; all by default
//! ```
//!
//! Prints two tables in Markdown. The first is against the other leptos-sync, at many sizes:
//! medians, and how many times faster ours is; it fails if a row is slower. The second, which
//! `--bars` prints alone, is against all peers: what each takes, the bar, and whether it is met; it
//! fails where a bar falls short. Either is measured three times more before it fails. A row that
//! was measured again says how often, since the best of several is shown. All of it takes about
//! twenty minutes, `--quick` half of that: most goes into maps of 1,000,000 entries in every
//! library.
//!
//! `--sizes` prints, in place of both, what every library takes at every size, for `cargo xtask
//! bench report` to draw. `--save` keeps each row that is printed in a file, see `saved`.
//!
//! All sides get the same inputs and do the same reading of clocks; what only one side's interface
//! makes necessary is told in `works`, row by row.
//!
//! ```text
//! versus    the table against the other leptos-sync
//! bars      the table of bars; `bars::data` is what is asked for
//! sizes     the table of all libraries at all sizes
//! works     the rows of all three
//! saved     the rows as a file
//! peers     the libraries, one file each
//! measure   samples in turn, and their medians
//! heap      what maps hold in memory, by a process that counts
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

/// Prints what the arguments ask for.
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
        eprintln!("{short} bars are missed");
    }
    match slower + short {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
