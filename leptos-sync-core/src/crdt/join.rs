use super::Changes;
use crate::{
    clock::Stamp,
    path::{Path, PathBuf},
    version::VersionVector,
};

/// The versions of the two states of a join, and what the join changes.
///
/// Where only one side has a cell, and the other side's version contains it, the other side has seen it and has since
/// forgotten its tombstone: the cell is gone for both.
pub struct Join<'a> {
    ours: &'a VersionVector,
    theirs: &'a VersionVector,
    forgotten: bool,
    path: PathBuf,
    changes: Changes,
}

impl<'a> Join<'a> {
    /// `forgotten` says whether the other side forgot a tombstone that this side may still have.
    pub(crate) fn new(ours: &'a VersionVector, theirs: &'a VersionVector, forgotten: bool) -> Self {
        Self {
            ours,
            theirs,
            forgotten,
            path: PathBuf::new(),
            changes: Changes::new(),
        }
    }

    /// What this side had already seen.
    pub(super) fn ours(&self) -> &'a VersionVector {
        self.ours
    }

    /// Whether this side had already seen the operation at `stamp`.
    pub fn ours_has_seen(&self, stamp: Stamp) -> bool {
        self.ours.contains(stamp)
    }

    /// Whether the other side had already seen the operation at `stamp`.
    pub fn theirs_has_seen(&self, stamp: Stamp) -> bool {
        self.theirs.contains(stamp)
    }

    /// Whether the other side may lack something that it has seen and this side still has: where it does not, there is
    /// nothing to look for.
    pub fn theirs_has_forgotten(&self) -> bool {
        self.forgotten
    }

    /// Joins a field: what `join` does happens one segment further down the path.
    pub fn within(&mut self, name: &str, join: impl FnOnce(&mut Self)) {
        self.within_key(name.as_bytes(), join);
    }

    /// Joins what stands at `key`.
    pub(crate) fn within_key(&mut self, key: &[u8], join: impl FnOnce(&mut Self)) {
        let len = self.path.len();
        self.path.push(key);
        join(self);
        self.path.truncate(len);
    }

    /// The cell at the current path changed.
    pub(crate) fn changed(&mut self) {
        self.changes.push(self.path.as_path(), false);
    }

    /// The cell `key` below the current path changed.
    pub(crate) fn changed_child(&mut self, key: &[u8], existence: bool) {
        self.changes.push_child(self.path.as_path(), key, existence);
    }

    /// The cell at `path` below the current path changed.
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
