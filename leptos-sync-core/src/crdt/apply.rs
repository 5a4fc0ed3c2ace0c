use std::borrow::Cow;

use super::{Changes, quarantine::Quarantine};
use crate::{
    codec::{CellRef, Group},
    error::Error,
    version::VersionVector,
};

/// The joining of cells into a typed view: which of them to pass over, what they changed, and what becomes of those
/// that the view cannot take.
///
/// Cells that were seen before are passed over, also where their tombstone was forgotten since.
pub struct Applied<'a> {
    seen: &'a VersionVector,
    quarantine: &'a mut Quarantine,
    /// `None` where nobody asks.
    changes: Option<Changes>,
}

impl<'a> Applied<'a> {
    /// Nothing yet; cells that `seen` contains will be passed over. `noting` says whether changes are noted.
    pub(crate) fn new(
        seen: &'a VersionVector,
        quarantine: &'a mut Quarantine,
        noting: bool,
    ) -> Self {
        Self {
            seen,
            quarantine,
            changes: noting.then(Changes::new),
        }
    }

    /// Whether `cell` is none of the view's concern: it was seen before, or the cell that is kept aside at its path
    /// is newer.
    #[inline]
    pub fn passes_over(&mut self, group: &Group<'_>, cell: CellRef<'_>) -> bool {
        self.seen.contains(cell.stamp) || self.withstood(group, cell)
    }

    /// What was seen before.
    #[inline]
    pub(super) fn seen(&self) -> &'a VersionVector {
        self.seen
    }

    /// Whether the cell that is kept aside at the path of `cell` is newer.
    #[inline]
    pub(super) fn withstood(&mut self, group: &Group<'_>, cell: CellRef<'_>) -> bool {
        !self.quarantine.is_empty() && self.quarantine.withstands(group.parent(), cell)
    }

    /// The cell won; `existence` says whether its key came into being or was removed.
    #[inline]
    pub fn changed(&mut self, group: &Group<'_>, cell: CellRef<'_>, existence: bool) {
        if let Some(changes) = &mut self.changes {
            changes.push_child(group.parent(), cell.key, existence);
        }
    }

    /// The cell's bytes are not of the type that stands here, or nobody may have written it: it is kept aside.
    #[cold]
    pub fn quarantine(&mut self, group: &Group<'_>, cell: CellRef<'_>, error: &Error) {
        let reason = Cow::Owned(error.to_string());
        self.quarantine.keep(group.parent(), cell, Some(reason));
    }

    /// The cell stands at a path that is not known here: it is kept aside.
    #[cold]
    pub fn unknown(&mut self, group: &Group<'_>, cell: CellRef<'_>) {
        if !self.passes_over(group, cell) {
            self.quarantine.keep(group.parent(), cell, None);
        }
    }

    /// All cells of the group stand at paths that are not known here.
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
