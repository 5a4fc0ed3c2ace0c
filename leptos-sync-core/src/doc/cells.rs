use std::sync::Arc;

use super::{Doc, apply, packing::packed_cell};
use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter},
    crdt::{
        Applied, Changes, Count, OldCell, Quarantine, Root, Stable, TombstoneChange, Tombstones,
    },
    delta::Patch,
    path::PathBuf,
    version::VersionVector,
};

/// The cells of a document of any type, for code that does not depend on the type.
///
/// The document has no versions: it is exchanged by positions in a relay's history.
pub(super) trait DocCells {
    /// Returns the cell at `path` from the state or the quarantine. Replaces the content of `value`
    /// with its encoded value.
    fn cell<'a>(&self, path: &PathBuf, value: &'a mut Vec<u8>) -> Option<OldCell<'a>>;

    /// Joins cells. O(cells of the patch).
    fn join_patch(&mut self, patch: &Patch) -> Changes;

    /// Replaces the cells at the paths of `cells`, even by older ones. A zero stamp removes the
    /// cell. O(cells).
    fn put_cells(&mut self, cells: &Quarantine) -> Changes;

    /// Writes all cells except the packed tombstones. O(cells).
    fn write_unpacked(&self, out: &mut CellWriter);

    /// Returns the packed tombstones.
    fn packed(&self) -> &Tombstones;

    /// Removes all tombstones before a time. O(cells of the document).
    fn forget_before(&mut self, time: Time);

    /// Sets the time that the next transaction exceeds, even to an earlier one.
    fn set_clock(&mut self, last: Time);
}

impl<S: Root> DocCells for Doc<S> {
    fn cell<'a>(&self, path: &PathBuf, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        if let Some(held) = self.quarantine.get(path) {
            let is_count = Count::is_likely(held.path, held.stamp, held.value);
            value.clear();
            value.extend_from_slice(held.value.unwrap_or_default());
            return Some(OldCell {
                stamp: held.stamp,
                value: held.value.map(|_| value.as_slice()),
                place: Default::default(),
                is_count,
                tags: None,
            });
        }
        // A register that was never written has a cell without a time.
        let cell = self.state.cell_at(path.as_path().segments(), value);
        cell.filter(|cell| cell.stamp.time > Time::ZERO)
            .or_else(|| packed_cell(&self.packed, path))
    }

    fn join_patch(&mut self, patch: &Patch) -> Changes {
        self.absorb(true, patch)
    }

    fn put_cells(&mut self, cells: &Quarantine) -> Changes {
        let mut changes = Changes::new();
        let state = Arc::make_mut(&mut self.state);
        let mut is_packed = false;
        cells.for_each(&mut |path, _, _| is_packed |= self.packed.get(path.as_path()).is_some());
        if is_packed {
            self.packed.change(cells, TombstoneChange::Remove);
        }
        let patch = Patch::collect(Time::ZERO, |out| {
            cells.for_each(&mut |held, stamp, value| {
                let path = held.as_path();
                state.restore(path.segments(), None);
                self.quarantine.remove(held);
                match path.split_last() {
                    Some((parent, key)) if stamp != Stamp::default() => {
                        out.group(parent);
                        out.copy(CellRef { key, stamp, value });
                    }
                    _ => changes.push(path, true),
                }
            });
        });
        let nothing = VersionVector::new();
        // Cells of a document have been encoded before, so this cannot fail.
        if let Ok(patch) = patch {
            let applied = Applied::new(&nothing, &mut self.quarantine, true);
            changes.append(apply(state, &patch, applied));
        }
        changes
    }

    fn write_unpacked(&self, out: &mut CellWriter) {
        let nothing = VersionVector::new();
        self.state.write_cells(&mut PathBuf::new(), &nothing, out);
        self.quarantine.write_cells(&nothing, out);
    }

    fn packed(&self) -> &Tombstones {
        &self.packed
    }

    fn forget_before(&mut self, time: Time) {
        Arc::make_mut(&mut self.state);
        // The typed views need no code to forget tombstones if they have none.
        self.pack_tombstones(1);
        let stable = Stable::Before(time);
        self.quarantine.forget_tombstones(stable);
        let change = TombstoneChange::Forget(stable);
        self.packed.change(&Quarantine::default(), change);
    }

    fn set_clock(&mut self, last: Time) {
        self.clock.set_back(last);
    }
}
