use super::stamp;
use crate::{
    clock::Stamp,
    codec::Cells,
    crdt::{OldCell, Quarantine},
    delta::{Delta, Snapshot},
    path::PathBuf,
    version::VersionVector,
};

/// At each path that transactions of an outbox wrote: the cell that would stand there without them;
/// where none would, one of no stamp.
///
/// A path stays until the outbox is empty: whatever comes from elsewhere is joined here too, so
/// that what is here is right whether a transaction is left at its path or not.
#[derive(Default)]
pub(in crate::doc) struct BaseCells(Quarantine);

impl BaseCells {
    /// A transaction writes at `path`. If it is the first, `before` is what stands there.
    pub(in crate::doc) fn cover<'a>(
        &mut self,
        path: &PathBuf,
        before: impl FnOnce() -> Option<OldCell<'a>>,
    ) {
        if !self.0.has(path) {
            let (stamp, value) = match before() {
                Some(cell) => (cell.stamp, cell.value),
                None => (Stamp::default(), None),
            };
            self.0.put(path.clone(), stamp, value, None);
        }
    }

    /// Joins cells that are no transaction of the outbox: where transactions cover one, it is
    /// below.
    pub(super) fn join(&mut self, cells: Cells<'_>) {
        if !self.0.is_empty() {
            cells.for_each(&mut |parent, cell| self.0.overtake(parent, cell));
        }
    }

    /// Whether the relay, whose cells were joined, has refused a transaction, which its version
    /// contains: none of its cells is there, and one is not covered by a later one. `forgotten`
    /// contains it if one that is not there at all may have been removed since.
    pub(super) fn lacks(&self, delta: &Delta, forgotten: &VersionVector) -> bool {
        let removed = stamp(delta).is_some_and(|stamp| forgotten.contains(stamp));
        let (mut has, mut lacks) = (false, false);
        delta.cells().for_each(&mut |parent, cell| {
            let there = self.0.get(&cell.path(parent)).map(|held| held.stamp);
            let there = there.unwrap_or_default();
            has |= there == cell.stamp;
            lacks |= match there == Stamp::default() {
                true => !removed,
                false => there < cell.stamp,
            };
        });
        lacks && !has
    }

    /// Lets go of what a snapshot at `version` has seen and lacks: its tombstone was forgotten.
    pub(super) fn forget(&mut self, version: &VersionVector, parts: &[Snapshot]) {
        let mut theirs = Quarantine::default();
        for part in parts {
            theirs.note_paths(part.cells());
        }
        for held in std::mem::take(&mut self.0).iter() {
            let path = held.path.to_owned();
            let (stamp, value) = match version.contains(held.stamp) && !theirs.has(&path) {
                true => (Stamp::default(), None),
                false => (held.stamp, held.value),
            };
            self.0.put(path, stamp, value, None);
        }
    }

    /// Adds to `cells` what would stand at `path`.
    pub(super) fn add_to(&self, cells: &mut Quarantine, path: PathBuf) {
        if let Some(held) = self.0.get(&path) {
            cells.put(path, held.stamp, held.value, None);
        }
    }

    /// What would stand at each path.
    pub(super) fn cells(&self) -> &Quarantine {
        &self.0
    }
}
