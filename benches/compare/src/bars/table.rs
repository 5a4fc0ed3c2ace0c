use super::{data::BARS, data::Bar, evidence::Figures};
use crate::{
    heap::Heap,
    measure::Effort,
    peers::Who,
    saved::{Row, Saved},
    versus::noted,
};

/// The table's name in the file.
const TABLE: &str = "bars";

/// The number of times that a row is measured again if it misses its target.
const RETRIES: usize = 3;

/// Prints the table, and returns the number of rows that miss their targets.
pub(crate) fn print(wanted: impl Fn(&str) -> bool, effort: Effort, saved: &mut Saved) -> usize {
    let bars = BARS.iter().filter(|bar| wanted(&bar.evidence.name()));
    let bars: Vec<_> = bars.collect();
    if bars.is_empty() {
        return 0;
    }
    if bars.len() == BARS.len() {
        saved.forget(TABLE);
    }
    let names = Who::ALL.map(Who::name).join(" | ");
    println!("| Work | Size | {names} | target | met |");
    println!("|---|--:|{}---|---|", "--:|".repeat(Who::ALL.len()));
    let heap = Heap::default();
    let mut short = 0;
    for bar in bars {
        let (figures, retries) = gathered(bar, effort, &heap);
        println!("{}", row(bar, &figures, retries));
        saved.keep(to_save(bar, &figures, retries));
        short += usize::from(reached(bar, &figures) < 1.0);
    }
    println!();
    println!("{}", EXPLAINED);
    short
}

const EXPLAINED: &str = "In brackets: how many times as much as ours. *other*: leptos-sync-core 0.9.0; crdts 7.3.2; yrs 0.28; \
loro 1.17; automerge 0.12; *plain*: structs and hash tables by hand. A row without a bar is informative. \
benches/compare/src/works.rs documents where the sides differ.";

/// Returns the best measurement, and the number of repetitions. A row that misses its target is
/// measured again.
fn gathered(bar: &Bar, effort: Effort, heap: &Heap) -> (Figures, usize) {
    let mut best = bar.evidence.gather(bar.size, effort, heap);
    let mut retries = 0;
    while bar.evidence.varies() && reached(bar, &best) < 1.0 && retries < RETRIES {
        retries += 1;
        let again = bar.evidence.gather(bar.size, effort, heap);
        if reached(bar, &again) > reached(bar, &best) {
            best = again;
        }
    }
    (best, retries)
}

/// Returns the degree to which the hardest demand of a row is met. It is met if the degree is at
/// least 1. A missing measurement counts as 0.
fn reached(bar: &Bar, figures: &Figures) -> f64 {
    let all = bar.demands.iter();
    all.map(|demand| demand.reached(figures).unwrap_or(0.0))
        .fold(f64::INFINITY, f64::min)
}

/// Describes the missed demands, and by how much each is missed.
fn missed(bar: &Bar, figures: &Figures) -> Vec<String> {
    let missed = bar.demands.iter().filter_map(|demand| {
        let missed = demand.missed(figures);
        match demand.reached(figures) {
            Some(_) => missed,
            None => Some("no figure".to_owned()),
        }
    });
    missed.collect()
}

fn to_save(bar: &Bar, figures: &Figures, retries: usize) -> Row {
    let row = Row {
        table: TABLE.to_owned(),
        work: bar.evidence.name(),
        size: bar.size,
        unit: bar.evidence.unit().to_owned(),
        each: bar.evidence.is_each(),
        quick: false,
        figures: Vec::new(),
        asked: bar.demands.iter().map(|demand| demand.asked()).collect(),
        missed: missed(bar, figures),
        measured: retries + 1,
    };
    row.with_figures(figures)
}

fn row(bar: &Bar, figures: &Figures, retries: usize) -> String {
    let ours = figures.of(Who::Ours);
    let cells = Who::ALL.map(|who| match (figures.of(who), ours) {
        (Some(figure), Some(ours)) if who != Who::Ours => {
            format!("{} ({:.2} ×)", bar.evidence.shown(figure), figure / ours)
        }
        (Some(figure), _) => bar.evidence.shown(figure),
        (None, _) => "–".to_owned(),
    });
    let asked: Vec<_> = bar.demands.iter().map(|demand| demand.asked()).collect();
    let missed = missed(bar, figures);
    let met = match (asked.is_empty(), missed.is_empty()) {
        (true, _) => "–".to_owned(),
        (false, true) => "yes".to_owned(),
        (false, false) => format!("**no**: {}", missed.join(", ")),
    };
    let asked = match asked.is_empty() {
        true => "–".to_owned(),
        false => asked.join(", "),
    };
    format!(
        "| {} | {} | {} | {asked} | {met}{} |",
        bar.evidence.name(),
        bar.size,
        cells.join(" | "),
        noted(retries)
    )
}
