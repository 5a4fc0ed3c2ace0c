use std::sync::Arc;

use super::Doc;
use crate::{
    crdt::{Changes, Join, Quarantine, Root},
    delta::Snapshot,
    error::Error,
    version::VersionVector,
};

impl<S: Root> Doc<S> {
    /// Joins another copy without checking its version. Compares native values if neither side has
    /// quarantined cells, and cells otherwise.
    pub(super) fn join(&mut self, other: &Self) -> Result<Changes, Error> {
        let native = |doc: &Self| doc.quarantine.is_empty() && doc.packed.is_empty();
        let changes = if native(self) && native(other) {
            let forgotten = !self.horizon.covers(&other.horizon);
            let mut join = Join::new(&self.version, &other.version, forgotten);
            Arc::make_mut(&mut self.state).join(&other.state, &mut join);
            join.finish()
        } else {
            // These cells have no native values, so join by cells.
            self.join_parts(&[other.snapshot()?], true, true)?
        };
        self.present.join(&other.present);
        self.clock.resume(self.present.latest());
        self.claim(&other.version, &other.horizon);
        Ok(changes)
    }

    /// Joins the parts of a snapshot without checking its version.
    ///
    /// The snapshot's version is valid for all parts together, so it is added only if they are
    /// `complete`. Collects changes if `noting` is true. O(cells of the snapshot), plus those of
    /// the document if the snapshot has forgotten tombstones.
    pub(crate) fn join_parts(
        &mut self,
        parts: &[Snapshot],
        complete: bool,
        noting: bool,
    ) -> Result<Changes, Error> {
        let first = self.present.is_empty();
        let mut changes = Changes::new();
        for part in parts {
            changes.append(self.absorb_noting(noting, part.body()));
        }
        if let (Some(part), true) = (parts.last(), complete) {
            if !first && !self.horizon.covers(part.horizon()) {
                let mut theirs = Quarantine::default();
                for part in parts {
                    theirs.note_paths(part.cells());
                }
                self.drop_forgotten(&theirs, part.version(), &mut changes)?;
            }
            self.claim(part.version(), part.horizon());
        }
        Ok(changes)
    }

    /// Removes each cell that `version`, the version of a snapshot, covers and that the snapshot
    /// lacks, because its tombstone was forgotten there.
    pub(super) fn drop_forgotten(
        &mut self,
        theirs: &Quarantine,
        version: &VersionVector,
        changes: &mut Changes,
    ) -> Result<(), Error> {
        let ours = self.snapshot()?;
        let state = Arc::make_mut(&mut self.state);
        ours.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            if !version.contains(cell.stamp) || theirs.has(&path) || self.quarantine.remove(&path) {
                return;
            }
            state.restore(path.as_path().segments(), None);
            if cell.value.is_some() {
                changes.push(path.as_path(), true);
            }
        });
        Ok(())
    }
}
