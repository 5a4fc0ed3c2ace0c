//! The table of all libraries at all sizes, without demands. `cargo xtask bench report` draws it.

use crate::{
    bars::Figures,
    measure::{Effort, shown},
    peers::Who,
    saved::{Row, Saved},
    works::{self, Work},
};

/// The table's name in the file.
pub(crate) const TABLE: &str = "sizes";

/// The minimum size for work that is the same at every size. Smaller maps have too few entries for
/// it.
const LEAST_ALIKE: usize = 1_000;

/// The greatest of these sizes that ours writes in one transaction.
const MOST_IN_TRANSACTION: usize = 10_000;

/// The time of a run, in nanoseconds, beyond which a library is omitted at greater sizes. A few of
/// its samples would take as long as the rest of the table.
const LONGEST: f64 = 0.5e9;

/// Prints the table.
pub(crate) fn print(wanted: impl Fn(&str) -> bool, effort: Effort, saved: &mut Saved) {
    let works: Vec<_> = works::ALL.iter().filter(|work| wanted(work.name)).collect();
    if works.is_empty() {
        return;
    }
    if works.len() == works::ALL.len() {
        saved.forget(TABLE);
    }
    println!("| Work | Size | {} |", Who::ALL.map(Who::name).join(" | "));
    println!("|---|--:|{}", "--:|".repeat(Who::ALL.len()));
    for work in works {
        let mut before = None;
        for size in leptos_sync_benches::SIZES {
            if can_be_done(work, size) {
                before = Some(row(work, size, effort, before, saved));
            }
        }
    }
    println!();
    println!(
        "A dash: the library cannot do it, or took more than half a second at the size before."
    );
}

fn can_be_done(work: &Work, size: usize) -> bool {
    let sizes = match work.name {
        name if name == works::INSERT_IN_DOC.name => 1..=MOST_IN_TRANSACTION,
        _ if work.grows => 1..=usize::MAX,
        _ => LEAST_ALIKE..=usize::MAX,
    };
    sizes.contains(&size)
}

/// Prints and saves a row. `before` contains the measurements of the previous size.
fn row(
    work: &Work,
    size: usize,
    effort: Effort,
    before: Option<Figures>,
    saved: &mut Saved,
) -> Figures {
    let takes_part = |who| match &before {
        Some(before) => before.of(who).is_some_and(|ns| ns <= LONGEST),
        None => true,
    };
    let figures = Figures::of_times(work, size, effort, takes_part);
    let cell = |who| figures.of(who).map_or_else(|| "–".to_owned(), shown);
    let cells = Who::ALL.map(cell).join(" | ");
    println!("| {} | {size} | {cells} |", work.name);
    saved.keep(Row::of_times(TABLE, work, size).with_figures(&figures));
    figures
}
