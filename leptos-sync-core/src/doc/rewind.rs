use std::sync::Arc;

use super::{Doc, apply};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Applied, Changes, Count, OldCell, Quarantine, Root},
    delta::Patch,
    id::ReplicaId,
    path::PathBuf,
    version::VersionVector,
};

/// Methods that go backwards. They undo the effects of operations that a relay has rejected on
/// cells, version and clock. Those operations never left the browser.
impl<S: Root> Doc<S> {
    /// Returns the cell at `path` from the state or the quarantine. Replaces the content of `value`
    /// with its encoded value.
    pub(super) fn cell_at<'a>(
        &self,
        path: &PathBuf,
        value: &'a mut Vec<u8>,
    ) -> Option<OldCell<'a>> {
        if let Some(held) = self.quarantine.get(path) {
            let is_count = Count::is_likely(held.path, held.stamp, held.value);
            value.clear();
            value.extend_from_slice(held.value.unwrap_or_default());
            return Some(OldCell {
                stamp: held.stamp,
                value: held.value.map(|_| value.as_slice()),
                place: Default::default(),
                is_count,
            });
        }
        self.state.cell_at(path.as_path().segments(), value)
    }

    /// Replaces the cells at the paths of `cells` unconditionally. A zero stamp removes the cell.
    /// Returns the changes. O(cells).
    pub(super) fn put(&mut self, cells: &Quarantine) -> Changes {
        let mut changes = Changes::new();
        let state = Arc::make_mut(&mut self.state);
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

    /// Sets the replica's entry in the version back to `to`.
    pub(super) fn rewind(&mut self, replica: ReplicaId, to: Time) {
        for version in [&mut self.version, &mut self.present] {
            *version = version
                .iter()
                .map(|(known, time)| (known, if known == replica { to } else { time }))
                .collect();
        }
    }

    /// Sets the clock back to the latest remaining operation.
    pub(super) fn set_clock_back(&mut self) {
        self.clock.set_back(self.present.latest());
    }
}
