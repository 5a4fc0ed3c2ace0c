use super::Changes;
use crate::{
    clock::Stamp,
    path::{Path, PathBuf},
    version::VersionVector,
};

/// The context of a join: the versions of both states, and the changes.
///
/// If only one side has a cell and the other side's version contains it, the other side has
/// forgotten its tombstone. In that case, the join removes the cell.
pub struct Join<'a> {
    ours: &'a VersionVector,
    theirs: &'a VersionVector,
    forgotten: bool,
    path: PathBuf,
    changes: Changes,
}

impl<'a> Join<'a> {
    /// Creates a context. `forgotten` is true if the other side may have forgotten a tombstone that
    /// this side still has.
    pub(crate) fn new(ours: &'a VersionVector, theirs: &'a VersionVector, forgotten: bool) -> Self {
        Self {
            ours,
            theirs,
            forgotten,
            path: PathBuf::new(),
            changes: Changes::new(),
        }
    }

    /// Returns the operations that this side contains.
    pub(super) fn ours(&self) -> &'a VersionVector {
        self.ours
    }

    /// Returns whether this side contains the operation at `stamp`.
    pub fn ours_has_seen(&self, stamp: Stamp) -> bool {
        self.ours.contains(stamp)
    }

    /// Returns whether the other side contains the operation at `stamp`.
    pub fn theirs_has_seen(&self, stamp: Stamp) -> bool {
        self.theirs.contains(stamp)
    }

    /// Returns whether the other side may lack a cell that its version contains and this side still
    /// has. If not, the join need not search for such cells.
    pub fn theirs_has_forgotten(&self) -> bool {
        self.forgotten
    }

    /// Joins a field, with the path extended by the field's name.
    pub fn within(&mut self, name: &str, join: impl FnOnce(&mut Self)) {
        self.within_key(name.as_bytes(), join);
    }

    /// Joins the value at `key`, with the path extended by the key.
    pub(crate) fn within_key(&mut self, key: &[u8], join: impl FnOnce(&mut Self)) {
        let len = self.path.len();
        self.path.push(key);
        join(self);
        self.path.truncate(len);
    }

    /// Records that the cell at the current path changed.
    pub(crate) fn changed(&mut self) {
        self.changes.push(self.path.as_path(), false);
    }

    /// Records that the cell `key` below the current path changed.
    pub(crate) fn changed_child(&mut self, key: &[u8], existence: bool) {
        self.changes.push_child(self.path.as_path(), key, existence);
    }

    /// Records that the cell at `path` below the current path changed.
    pub(super) fn changed_at(&mut self, path: Path<'_>, existence: bool) {
        let len = self.path.len();
        path.segments().for_each(|segment| self.path.push(segment));
        self.changes.push(self.path.as_path(), existence);
        self.path.truncate(len);
    }

    pub(crate) fn finish(self) -> Changes {
        self.changes
    }
}
