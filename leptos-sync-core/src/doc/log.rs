use super::{
    parts::Parts,
    undo::{Before, Undo},
};
use crate::{
    clock::Stamp,
    codec::{CellRef, CellWriter},
    crdt::{Changes, MARKS, Quarantine, record_of_ender},
    error::Error,
    id::IdSource,
    limits,
    path::PathBuf,
};

/// The record of an open transaction: what it has written, and how to roll it back.
///
/// The transactions of a document use one log after another, so that they share its memory.
#[derive(Default)]
pub(super) struct Log {
    pub(super) stamp: Stamp,
    /// The document's source of ids, while a transaction is open.
    pub(super) ids: IdSource,
    pub(super) changes: Changes,
    /// The size of the previous transaction's changes up to a limit, to reserve space for the next
    /// one.
    usual: usize,
    pub(super) undo: Undo,
    pub(super) error: Option<Error>,
    /// The path of the [`Tx`](super::Tx) in use. The rest of a nested one's path may follow.
    pub(super) path: PathBuf,
    /// The parts that were written.
    pub(super) parts: Parts,
    /// Whether `parts` contains the map at the path.
    has_map: bool,
    /// Whether the document has cells that its typed views do not hold.
    pub(super) has_others: bool,
    /// Completes the log when a transaction commits that has removed records. A function, so that
    /// pages without records do not contain it.
    pub(super) end_records: Option<fn(&mut Self, &mut Quarantine)>,
    pub(super) cells: CellWriter,
}

impl Log {
    /// Starts a transaction.
    pub(super) fn start(&mut self, stamp: Stamp) {
        self.stamp = stamp;
        self.changes = Changes::with_room(self.usual);
    }

    /// Returns the changes at the end of the transaction.
    pub(super) fn take_changes(&mut self) -> Changes {
        self.usual = self.changes.place().min(limits::ROOM_BYTES);
        std::mem::take(&mut self.changes)
    }

    /// Enters `key`, a field's name or a record's key, below the value at the first `depth` bytes
    /// of the path. Returns the length of the new path.
    pub(super) fn enter(&mut self, depth: usize, key: &[u8]) -> usize {
        self.path.truncate(depth);
        self.path.push(key);
        self.has_map = false;
        self.path.len()
    }

    /// Records a write to the cell that was saved last, below the first `depth` bytes of the path.
    /// `existence` is true if its key was added or removed.
    pub(super) fn note(&mut self, depth: usize, before: Before, existence: bool) {
        self.path.truncate(depth);
        // A `Tx` of a map contains no other, so the path does not change before the next `enter`.
        if !self.has_map {
            self.parts.add_map(&self.path);
            self.has_map = true;
        }
        let (first, place) = (self.is_first(before), self.changes.place());
        if first || existence {
            let key = self.undo.key(before);
            self.changes.push_child(self.path.as_path(), key, existence);
        }
        self.settle(before, first, place);
    }

    /// Records a write to a cell as [`note`](Log::note) does, but adds only the cell to the parts.
    pub(super) fn note_cell(&mut self, depth: usize, before: Before, existence: bool) {
        self.path.truncate(depth);
        let (first, place) = (self.is_first(before), self.changes.place());
        if first || existence {
            let key = self.undo.key(before);
            self.changes.push_child(self.path.as_path(), key, existence);
        }
        if first {
            self.parts.add_cell(&self.changes, place);
        }
        self.settle(before, first, place);
    }

    /// Records that the cell at `path`, which was saved last, was removed with its record.
    pub(super) fn note_ended(&mut self, path: &PathBuf, before: Before) {
        let (first, place) = (self.is_first(before), self.changes.place());
        let was_live = before.old.is_some_and(|old| old.live);
        self.changes.push(path.as_path(), was_live);
        if !first {
            self.parts.remove_cell(&self.changes, path);
        }
        self.settle(before, first, place);
        self.end_records = Some(end_records);
    }

    /// Records a write to the cell at the path itself.
    pub(super) fn note_own(&mut self, depth: usize, before: Before) {
        self.path.truncate(depth);
        let (first, place) = (self.is_first(before), self.changes.place());
        if first {
            self.changes.push(self.path.as_path(), false);
            self.parts.add_cell(&self.changes, place);
        }
        self.settle(before, first, place);
    }

    /// Returns whether the transaction writes the cell for the first time.
    fn is_first(&self, before: Before) -> bool {
        before.old.is_none_or(|old| old.stamp != self.stamp)
    }

    fn settle(&mut self, before: Before, first: bool, place: usize) {
        if first {
            self.undo.keep(before, place);
        } else {
            self.undo.forget(before);
        }
        let cells = self.undo.cells();
        if cells > limits::TRANSACTION_CELLS {
            self.error.get_or_insert_with(too_many_cells);
        }
    }

    /// Clears the log. Returns whether to keep it; the buffers of a large transaction are freed.
    pub(super) fn clear(&mut self) -> bool {
        self.changes = Changes::new();
        self.undo.clear();
        self.parts.clear();
        self.has_map = false;
        self.end_records = None;
        self.error = None;
        self.path.truncate(0);
        self.undo.room() + self.parts.room() + self.cells.room() <= limits::ROOM_BYTES
    }
}

/// Ends the quarantined cells of removed records.
fn end_records(log: &mut Log, quarantine: &mut Quarantine) {
    log.undo.keep_first(&log.changes);
    if quarantine.is_empty() {
        return;
    }
    for change in log.changes.iter() {
        if let Some(parent) = record_of_ender(change.path) {
            let (key, stamp, value) = (MARKS, log.stamp, None);
            quarantine.end(parent, CellRef { key, stamp, value });
        }
    }
}

fn too_many_cells() -> Error {
    Error::limit(format!(
        "transaction has more than {} cells, which is the limit; {ADVICE}",
        limits::TRANSACTION_CELLS
    ))
}

const ADVICE: &str = "split it into several transactions";

pub(super) fn too_large(bytes: usize) -> Error {
    Error::too_large(
        "transaction",
        bytes as u64,
        limits::TRANSACTION_BYTES,
        ADVICE,
    )
}
