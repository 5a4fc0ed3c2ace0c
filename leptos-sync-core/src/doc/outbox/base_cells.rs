use super::stamp;
use crate::{
    clock::Stamp,
    codec::Cells,
    crdt::{OldCell, Quarantine},
    delta::{Delta, Snapshot},
    path::PathBuf,
    version::VersionVector,
};

/// The base cells of an outbox: for each path that its transactions wrote, the cell that the
/// document would have without them. A zero stamp means no cell.
///
/// A path stays until the outbox is empty. Cells from elsewhere are joined here too, so a base cell
/// is correct even if no transaction writes its path anymore.
#[derive(Clone, Default)]
pub(in crate::doc) struct BaseCells(Quarantine);

impl BaseCells {
    /// Records a transaction's write at `path`. If it is the first, `before` returns the replaced
    /// cell.
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

    /// Joins cells that belong to no transaction of the outbox, at the paths that transactions
    /// wrote.
    pub(in crate::doc) fn join(&mut self, cells: Cells<'_>) {
        if !self.0.is_empty() {
            cells.for_each(&mut |parent, cell| self.0.overtake(parent, cell));
        }
    }

    /// Returns whether the relay has rejected a transaction that its version contains. The relay's
    /// cells must have been joined.
    ///
    /// That is the case if the relay has none of the transaction's cells, and no later cell in
    /// place of at least one of them. If `forgotten` contains the transaction, the relay may have
    /// removed a missing cell since.
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

    /// Removes cells that `version`, the version of a snapshot, covers and that the snapshot lacks,
    /// because their tombstones were forgotten.
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

    /// Replaces the base cell of `path`.
    pub(in crate::doc) fn put(&mut self, path: PathBuf, stamp: Stamp, value: Option<&[u8]>) {
        self.0.put(path, stamp, value, None);
    }

    /// Adds the base cell of `path` to `cells`.
    pub(in crate::doc) fn add_to(&self, cells: &mut Quarantine, path: PathBuf) {
        if let Some(held) = self.0.get(&path) {
            cells.put(path, held.stamp, held.value, None);
        }
    }

    /// Returns all base cells.
    pub(in crate::doc) fn cells(&self) -> &Quarantine {
        &self.0
    }
}
