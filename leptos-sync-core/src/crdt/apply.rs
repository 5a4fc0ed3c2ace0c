use std::borrow::Cow;

use super::{Changes, Tombstones, quarantine::Quarantine};
use crate::{
    codec::{CellRef, Group},
    error::Error,
    path::Path,
    version::VersionVector,
};

/// The context in which cells are joined into a typed view.
///
/// Decides which cells to skip, collects the changes, and quarantines cells that the view cannot
/// hold. Cells that the version contains are skipped, even if their tombstone has been forgotten
/// since.
pub struct Applied<'a> {
    seen: &'a VersionVector,
    quarantine: &'a mut Quarantine,
    packed: &'a Tombstones,
    /// `None` if changes are not collected.
    changes: Option<Changes>,
}

impl<'a> Applied<'a> {
    /// Creates a context that skips cells contained in `seen`. Collects changes if `noting` is
    /// true.
    pub(crate) fn new(
        seen: &'a VersionVector,
        quarantine: &'a mut Quarantine,
        noting: bool,
    ) -> Self {
        Self {
            seen,
            quarantine,
            packed: &Tombstones::NONE,
            changes: noting.then(Changes::new),
        }
    }

    /// Adds the tombstones that the document has packed.
    pub(crate) fn with_packed(mut self, packed: &'a Tombstones) -> Self {
        self.packed = packed;
        self
    }

    /// Returns whether to skip `cell`: the version contains it, or a quarantined cell at its path
    /// is newer.
    #[inline]
    pub fn passes_over(&mut self, group: &Group<'_>, cell: CellRef<'_>) -> bool {
        self.seen.contains(cell.stamp) || self.withstood(group, cell)
    }

    /// Returns the version whose cells are skipped.
    #[inline]
    pub(super) fn seen(&self) -> &'a VersionVector {
        self.seen
    }

    /// Returns whether a quarantined cell or a packed tombstone at the path of `cell` is newer.
    #[inline]
    pub(super) fn withstood(&mut self, group: &Group<'_>, cell: CellRef<'_>) -> bool {
        !self.quarantine.is_empty() && self.quarantine.withstands(group.parent(), cell)
            || !self.packed.is_empty() && self.packed.withstands(group.parent(), cell)
    }

    /// Records that a cell won. `existence` is true if its key was added or removed.
    #[inline]
    pub fn changed(&mut self, group: &Group<'_>, cell: CellRef<'_>, existence: bool) {
        if let Some(changes) = &mut self.changes {
            changes.push_child(group.parent(), cell.key, existence);
        }
    }

    /// Records that a cell was ended. `existence` is true if it was live.
    pub(super) fn ended(&mut self, path: Path<'_>, existence: bool) {
        if let Some(changes) = &mut self.changes {
            changes.push(path, existence);
        }
    }

    /// Ends quarantined cells, if `cell` is an ender.
    pub(super) fn end(&mut self, group: &Group<'_>, cell: CellRef<'_>) {
        self.quarantine.end(group.parent(), cell);
    }

    /// Quarantines a cell whose value has a wrong type or an unauthorized writer.
    #[cold]
    pub fn quarantine(&mut self, group: &Group<'_>, cell: CellRef<'_>, error: &Error) {
        let reason = Cow::Owned(error.to_string());
        self.hold(group, cell, Some(reason));
    }

    /// Quarantines a cell at an unknown path.
    #[cold]
    pub fn unknown(&mut self, group: &Group<'_>, cell: CellRef<'_>) {
        if !self.passes_over(group, cell) {
            self.hold(group, cell, None);
        }
    }

    /// Adds a cell to the quarantine, which obeys the law of containment.
    fn hold(&mut self, group: &Group<'_>, cell: CellRef<'_>, reason: Option<Cow<'static, str>>) {
        if !self.quarantine.is_ended(group.parent(), cell) {
            self.quarantine.keep(group.parent(), cell, reason);
            self.quarantine.end(group.parent(), cell);
        }
    }

    /// Quarantines all cells of a group at unknown paths.
    #[cold]
    pub fn unknown_group(&mut self, group: &Group<'_>) {
        for cell in group.cells() {
            self.unknown(group, cell);
        }
    }

    pub(crate) fn finish(self) -> Changes {
        self.changes.unwrap_or_default()
    }
}
