//! The results as JSON, beside the tables, for the charts of `cargo xtask bench report`.
//!
//! ```text
//! [ { "table": "versus" | "sizes" | "bars",  "work": "decode",  "size": 100000,
//!     "unit": "ns" | "times" | "bytes",      "each": false,     "quick": false,
//!     "figures": [["ours", 6830000.0], …],   "asked": ["5 × other"],  "missed": [],  "measured": 1 }, … ]
//! ```
//!
//! `each` is true if the time of a run is proportional to the size. A table that is measured
//! completely replaces all its rows in the file. With a filter, the other rows stay.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{bars::Figures, peers::Who};

/// A row of any table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) table: String,
    pub(crate) work: String,
    pub(crate) size: usize,
    pub(crate) unit: String,
    pub(crate) each: bool,
    pub(crate) quick: bool,
    pub(crate) figures: Vec<(String, f64)>,
    pub(crate) asked: Vec<String>,
    pub(crate) missed: Vec<String>,
    pub(crate) measured: usize,
}

impl Row {
    /// Returns a row of times without demands.
    pub(crate) fn of_times(table: &str, work: &crate::works::Work, size: usize) -> Self {
        Self {
            table: table.to_owned(),
            work: work.name.to_owned(),
            size,
            unit: "ns".to_owned(),
            each: work.grows,
            quick: false,
            figures: Vec::new(),
            asked: Vec::new(),
            missed: Vec::new(),
            measured: 1,
        }
    }

    pub(crate) fn with_figures(mut self, figures: &Figures) -> Self {
        let known = |who: Who| Some((who.name().to_owned(), figures.of(who)?));
        self.figures = Who::ALL.into_iter().filter_map(known).collect();
        self
    }

    fn is_at_place_of(&self, other: &Self) -> bool {
        (&self.table, &self.work, self.size) == (&other.table, &other.work, other.size)
    }
}

/// The rows of a file, or none if nothing is to be saved.
pub(crate) struct Saved {
    path: Option<PathBuf>,
    quick: bool,
    rows: Vec<Row>,
}

impl Saved {
    /// Reads the results of earlier runs from `path`. Starts with none if the file cannot be read.
    pub(crate) fn open(path: Option<PathBuf>, quick: bool) -> Self {
        let rows = path.as_deref().and_then(read).unwrap_or_default();
        Self { path, quick, rows }
    }

    /// Removes the rows of a table that is about to be measured completely.
    pub(crate) fn forget(&mut self, table: &str) {
        self.rows.retain(|row| row.table != table);
    }

    /// Adds a row, which replaces the one with the same work and size, and writes the file. So an
    /// interrupted run keeps its results.
    pub(crate) fn keep(&mut self, row: Row) {
        let row = Row {
            quick: self.quick,
            ..row
        };
        match self.rows.iter_mut().find(|old| old.is_at_place_of(&row)) {
            Some(old) => *old = row,
            None => self.rows.push(row),
        }
        let Some(path) = &self.path else {
            return;
        };
        let written = serde_json::to_vec(&self.rows)
            .map_err(Into::into)
            .and_then(|bytes| fs::write(path, bytes));
        if let Err(error) = written {
            eprintln!("{}: {error}", path.display());
        }
    }
}

fn read(path: &Path) -> Option<Vec<Row>> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::works;

    fn row(table: &str, size: usize, measured: usize) -> Row {
        Row {
            measured,
            ..Row::of_times(table, &works::DECODE, size)
        }
    }

    #[test]
    fn a_row_that_is_measured_again_is_replaced_and_the_others_stay() {
        let mut saved = Saved::open(None, false);
        for row in [row("bars", 1, 1), row("bars", 2, 1), row("sizes", 1, 1)] {
            saved.keep(row);
        }
        saved.keep(row("bars", 2, 4));
        let kept = [row("bars", 1, 1), row("bars", 2, 4), row("sizes", 1, 1)];
        assert_eq!(saved.rows, kept);
        saved.forget("bars");
        assert_eq!(saved.rows, [row("sizes", 1, 1)]);
    }

    #[test]
    fn what_was_kept_is_there_for_the_next_run() {
        let name = format!("leptos-sync-saved-{}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        Saved::open(Some(path.clone()), true).keep(row("bars", 1, 1));
        let again = Saved::open(Some(path.clone()), false);
        fs::remove_file(&path).expect("it was written");
        let quick = Row {
            quick: true,
            ..row("bars", 1, 1)
        };
        assert_eq!(again.rows, [quick]);
    }
}
