use std::{collections::BTreeSet, ops::Bound};

use crate::path::Path;

/// The paths of all cells in order, to find those of a record.
///
/// The table of cells has no order, and needs none as long as no record was removed. So the first
/// ender creates this index. A removal of many cells drops it until the next ender.
#[derive(Clone, Default)]
pub(super) struct Paths {
    sorted: Option<BTreeSet<Box<[u8]>>>,
    /// Whether there ever was an ender.
    is_kept: bool,
}

impl Paths {
    /// Returns whether there may be an ender.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Returns the paths at or below that of a record. `all` are the paths of all cells.
    pub(super) fn below<'a>(
        &mut self,
        record: Path<'_>,
        all: impl Iterator<Item = &'a [u8]>,
    ) -> Vec<Box<[u8]>> {
        self.is_kept = true;
        let sorted = self
            .sorted
            .get_or_insert_with(|| all.map(Into::into).collect());
        let record = record.as_bytes();
        let from = (Bound::Included(record), Bound::Unbounded);
        let below = sorted.range::<[u8], _>(from);
        below
            .take_while(|path| path.starts_with(record))
            .cloned()
            .collect()
    }

    pub(super) fn add(&mut self, path: &[u8]) {
        if let Some(sorted) = &mut self.sorted {
            sorted.insert(path.into());
        }
    }

    pub(super) fn remove(&mut self, path: &[u8]) {
        if let Some(sorted) = &mut self.sorted {
            sorted.remove(path);
        }
    }

    /// Drops the index after many cells were removed.
    pub(super) fn forget(&mut self) {
        self.sorted = None;
    }
}
