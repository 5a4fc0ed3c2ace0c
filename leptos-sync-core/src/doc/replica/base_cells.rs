use crate::{
    clock::Stamp,
    codec::Cells,
    crdt::{OldCell, Quarantine},
    path::PathBuf,
};

/// The base cells of an outbox: for each path that its entries wrote, the cell that the document
/// would have without them. A zero stamp means no cell.
///
/// A path stays until the outbox is empty. Cells from elsewhere are joined here too, so a base cell
/// is correct even if no entry writes its path anymore.
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

    /// Joins cells that belong to no entry of the outbox, at the paths that entries wrote.
    pub(super) fn join(&mut self, cells: Cells<'_>) {
        if !self.0.is_empty() {
            cells.for_each(&mut |parent, cell| self.0.overtake(parent, cell));
        }
    }

    /// Replaces the base cell of `path`.
    pub(super) fn put(&mut self, path: PathBuf, stamp: Stamp, value: Option<&[u8]>) {
        self.0.put(path, stamp, value, None);
    }

    /// Adds the base cell of `path` to `cells`.
    pub(super) fn add_to(&self, cells: &mut Quarantine, path: PathBuf) {
        if let Some(held) = self.0.get(&path) {
            cells.put(path, held.stamp, held.value, None);
        }
    }

    /// Returns all base cells.
    pub(super) fn cells(&self) -> &Quarantine {
        &self.0
    }
}
