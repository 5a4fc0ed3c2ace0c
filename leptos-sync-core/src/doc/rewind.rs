use std::sync::Arc;

use super::{Doc, apply};
use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter},
    crdt::{Applied, Changes, OldCell, Quarantine, Quarantined, Root},
    delta::Body,
    id::ReplicaId,
    path::PathBuf,
    version::VersionVector,
};

/// What goes backwards: cells that a relay has refused, and the version and the clock that counted them. It never leaves the
/// browser.
impl<S: Root> Doc<S> {
    /// The cell at `path`, in the state or aside; its value's bytes are put into `value`.
    pub(super) fn cell_at<'a>(
        &self,
        path: &PathBuf,
        value: &'a mut Vec<u8>,
    ) -> Option<OldCell<'a>> {
        if let Some(held) = self.quarantine.get(path) {
            value.clear();
            value.extend_from_slice(held.value.unwrap_or_default());
            return Some(OldCell {
                stamp: held.stamp,
                value: held.value.map(|_| value.as_slice()),
                place: Default::default(),
            });
        }
        self.state.cell_at(path.as_path().segments(), value)
    }

    /// Puts the cells at the paths of `cells` to these, whatever stands there now; where one has no stamp, as if there never was
    /// one. Returns what changed. O(cells).
    pub(super) fn put(&mut self, cells: &Quarantine) -> Changes {
        let mut changes = Changes::new();
        let state = Arc::make_mut(&mut self.state);
        let mut out = CellWriter::default();
        for held in cells.iter() {
            let Quarantined {
                path, stamp, value, ..
            } = held;
            state.restore(path.segments(), None);
            self.quarantine.remove(&path.to_owned());
            match path.split_last() {
                Some((parent, key)) if stamp != Stamp::default() => {
                    out.group(parent);
                    out.copy(CellRef { key, stamp, value });
                }
                _ => changes.push(path, true),
            }
        }
        let nothing = VersionVector::new();
        // Cells that stood in a document can be written again.
        if let Ok(body) = Body::of(&mut out, VersionVector::new(), VersionVector::new()) {
            let applied = Applied::new(&nothing, &mut self.quarantine, true);
            changes.append(apply(state, &body, applied));
        }
        changes
    }

    /// Lets the version contain the replica's operations up to `to` and no others.
    pub(super) fn rewind(&mut self, replica: ReplicaId, to: Time) {
        for version in [&mut self.version, &mut self.present] {
            *version = version
                .iter()
                .map(|(known, time)| (known, if known == replica { to } else { time }))
                .collect();
        }
    }

    /// Lets the clock go on after what is left.
    pub(super) fn set_clock_back(&mut self) {
        self.clock.set_back(self.present.latest());
    }
}
