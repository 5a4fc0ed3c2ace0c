//! The law of containment, as simple as can be.

use std::collections::BTreeMap;

use leptos_sync_core::{Stamp, cells::PathBuf, internal::OwnCell};

pub(crate) type Cells = BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)>;

pub(crate) fn segments(path: &PathBuf) -> Vec<&[u8]> {
    path.as_path().segments().collect()
}

/// Returns the segments of the record whose ender stands at `path`.
pub(crate) fn record_of(path: &PathBuf) -> Option<Vec<&[u8]>> {
    let mut record = segments(path);
    let last = record.pop()?;
    let is_ender = last.is_empty() && !record.is_empty() && !record.contains(&&b""[..]);
    is_ender.then_some(record)
}

fn ends(ender: &OwnCell, cell: &OwnCell) -> bool {
    let record = record_of(&ender.0);
    record.is_some_and(|record| segments(&cell.0).starts_with(&record)) && cell.1 < ender.1
}

/// Returns the greatest cell at each path, of those that no cell ends.
pub(crate) fn normal_form(cells: &[OwnCell]) -> Cells {
    let mut left = Cells::new();
    for cell in cells {
        if !cells.iter().any(|ender| ends(ender, cell)) {
            let new = (cell.1, cell.2.clone());
            let known = left.entry(cell.0.clone()).or_insert_with(|| new.clone());
            *known = new.max(known.clone());
        }
    }
    left
}
