use std::sync::Arc;

use super::Doc;
use crate::{
    clock::{Clock, Time},
    codec::CellWriter,
    crdt::{Changes, OldCell, Quarantine, Root, Stable},
    delta::Patch,
    path::PathBuf,
    version::VersionVector,
};

/// The cells of a document of any type, for code that does not depend on the type.
///
/// The document has no versions: it is exchanged by positions in a relay's history.
pub(super) trait DocCells {
    /// Returns the cell at `path`. Replaces the content of `value` with its encoded value.
    fn cell<'a>(&self, path: &PathBuf, value: &'a mut Vec<u8>) -> Option<OldCell<'a>>;

    /// Joins cells. O(cells of the patch).
    fn join_patch(&mut self, patch: &Patch) -> Changes;

    /// Replaces the cells at the paths of `cells`. A zero stamp removes the cell. O(cells).
    fn put_cells(&mut self, cells: &Quarantine) -> Changes;

    /// Writes all cells. O(cells of the document).
    fn write_all(&self, out: &mut CellWriter);

    /// Removes all tombstones before a time. O(cells of the document).
    fn forget_before(&mut self, time: Time);

    /// Sets the time that the next transaction exceeds, even to an earlier one.
    fn set_clock(&mut self, last: Time);
}

impl<S: Root> DocCells for Doc<S> {
    fn cell<'a>(&self, path: &PathBuf, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        // A register that was never written has a cell without a time.
        let cell = self.cell_at(path, value);
        cell.filter(|cell| cell.stamp.time > Time::ZERO)
    }

    fn join_patch(&mut self, patch: &Patch) -> Changes {
        self.absorb(true, patch)
    }

    fn put_cells(&mut self, cells: &Quarantine) -> Changes {
        self.put(cells)
    }

    fn write_all(&self, out: &mut CellWriter) {
        self.write_cells(&VersionVector::new(), out);
    }

    fn forget_before(&mut self, time: Time) {
        self.forget_stable(Stable::Before(time));
    }

    fn set_clock(&mut self, last: Time) {
        self.clock.set_back(last);
    }
}

impl<S: Root> Doc<S> {
    /// Creates an empty document that keeps no versions. The number of replicas that write it is
    /// not limited, and a replica costs nothing but its cells.
    pub(super) fn without_versions(clock: Clock) -> Self {
        Self {
            state: Arc::new(S::default()),
            version: VersionVector::new(),
            horizon: VersionVector::new(),
            quarantine: Quarantine::default(),
            present: VersionVector::new(),
            clock,
            versioning: None,
            log: None,
        }
    }

    /// Removes the tombstones of stable operations. O(entries).
    pub(super) fn forget_stable(&mut self, stable: Stable<'_>) {
        Arc::make_mut(&mut self.state).forget_tombstones(stable);
        self.quarantine.forget_tombstones(stable);
    }
}
