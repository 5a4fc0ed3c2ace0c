use crate::crdt::{Changes, OldCell, SavedCell};

/// What a transaction has replaced, so that it can be taken back.
///
/// One allocation holds all old values, and the paths are those of the transaction's changes: a write costs no allocation
/// of its own.
#[derive(Default)]
pub(super) struct Undo {
    values: Vec<u8>,
    replaced: Vec<Replaced>,
}

/// A cell as it stood before the transaction.
struct Replaced {
    /// Which change replaced it.
    change: usize,
    /// Where its value's bytes are.
    start: usize,
    end: usize,
    /// `None` if there was none.
    old: Option<SavedCell>,
}

/// A cell that was looked at before it is written, with where its value's bytes begin.
#[derive(Clone, Copy)]
pub(super) struct Before {
    pub(super) old: Option<SavedCell>,
    start: usize,
}

impl Undo {
    /// Looks at a cell: `old` tells what it is and appends its value's bytes.
    pub(super) fn look(&mut self, old: impl FnOnce(&mut Vec<u8>) -> Option<SavedCell>) -> Before {
        let start = self.values.len();
        Before {
            old: old(&mut self.values),
            start,
        }
    }

    /// Keeps the cell that was looked at last: it was replaced by the change `change`.
    pub(super) fn keep(&mut self, before: Before, change: usize) {
        self.replaced.push(Replaced {
            change,
            start: before.start,
            end: self.values.len(),
            old: before.old,
        });
    }

    /// Lets the cell go that was looked at last.
    pub(super) fn forget(&mut self, before: Before) {
        self.values.truncate(before.start);
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.replaced.clear();
    }

    /// Bytes of room that it has.
    pub(super) fn room(&self) -> usize {
        self.values.capacity() + self.replaced.capacity() * size_of::<Replaced>()
    }

    /// The replaced cells with their paths, the last first.
    pub(super) fn back<'a>(
        &'a self,
        changes: &'a Changes,
    ) -> impl Iterator<Item = (crate::path::Path<'a>, Option<OldCell<'a>>)> {
        self.replaced.iter().rev().filter_map(|replaced| {
            let value = self.values.get(replaced.start..replaced.end)?;
            let old = replaced.old.map(|old| old.with(value));
            Some((changes.path(replaced.change)?, old))
        })
    }
}
