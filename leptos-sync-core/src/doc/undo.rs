use std::collections::BTreeSet;

use crate::{
    crdt::{Changes, OldCell, SavedCell},
    error::Error,
    path::Path,
};

/// The cells that a transaction has replaced, so that it can be rolled back.
///
/// One buffer holds all old values, and the transaction's changes hold the paths. So a write needs
/// no separate allocation.
#[derive(Default)]
pub(super) struct Undo {
    bytes: Vec<u8>,
    replaced: Vec<Replaced>,
}

/// A cell before the transaction.
struct Replaced {
    /// The position of the change that replaced it.
    change: usize,
    /// The range of the cell's encoded value in the buffer.
    start: usize,
    end: usize,
    /// The replaced cell, or `None` if there was none.
    old: Option<SavedCell>,
}

/// A cell that was saved before it is written. The buffer holds its key, followed by its value.
#[derive(Clone, Copy)]
pub(super) struct Before {
    start: usize,
    value: usize,
    pub(super) old: Option<SavedCell>,
}

impl Undo {
    /// Saves a cell. `key` appends its encoded key; `old` returns the cell and appends its encoded
    /// value.
    pub(super) fn look(
        &mut self,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
        old: impl FnOnce(&mut Vec<u8>) -> Option<SavedCell>,
    ) -> Result<Before, Error> {
        let start = self.bytes.len();
        key(&mut self.bytes)?;
        Ok(Before {
            start,
            value: self.bytes.len(),
            old: old(&mut self.bytes),
        })
    }

    /// Returns the buffer, for checks that restore it.
    pub(super) fn scratch(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Returns the key of the cell.
    pub(super) fn key(&self, before: Before) -> &[u8] {
        self.bytes
            .get(before.start..before.value)
            .unwrap_or_default()
    }

    /// Keeps the cell that was saved last, which the change at this position replaced.
    pub(super) fn keep(&mut self, before: Before, change: usize) {
        self.replaced.push(Replaced {
            change,
            start: before.value,
            end: self.bytes.len(),
            old: before.old,
        });
    }

    /// Drops the cell that was saved last.
    pub(super) fn forget(&mut self, before: Before) {
        self.bytes.truncate(before.start);
    }

    /// Keeps only the first cell at each path, which is the one before the transaction. A removal
    /// with its record, and a write after it, add more. O(cells).
    pub(super) fn keep_first(&mut self, changes: &Changes) {
        let mut known = BTreeSet::new();
        self.replaced
            .retain(|replaced| known.insert(changes.path(replaced.change)));
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.replaced.clear();
    }

    /// Returns the number of replaced cells.
    pub(super) fn cells(&self) -> usize {
        self.replaced.len()
    }

    /// Returns the capacity in bytes.
    pub(super) fn room(&self) -> usize {
        self.bytes.capacity() + self.replaced.capacity() * size_of::<Replaced>()
    }

    /// Iterates over the replaced cells with their paths, the last one first.
    pub(super) fn old_cells<'a>(
        &'a self,
        changes: &'a Changes,
    ) -> impl Iterator<Item = (Path<'a>, Option<OldCell<'a>>)> {
        self.replaced.iter().rev().filter_map(|replaced| {
            let value = self.bytes.get(replaced.start..replaced.end)?;
            let old = replaced.old.map(|old| old.with(value));
            Some((changes.path(replaced.change)?, old))
        })
    }
}
