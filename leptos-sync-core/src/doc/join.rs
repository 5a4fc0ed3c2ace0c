use std::sync::Arc;

use super::Doc;
use crate::{
    crdt::{Changes, Join, Quarantine, Root},
    delta::Snapshot,
    error::Error,
    version::VersionVector,
};

impl<S: Root> Doc<S> {
    /// Joins another copy without asking for its claims: native values where that is all there is, else its cells.
    pub(super) fn join(&mut self, other: &Self) -> Result<Changes, Error> {
        let changes = if self.quarantine.is_empty() && other.quarantine.is_empty() {
            let forgotten = !self.horizon.covers(&other.horizon);
            let mut join = Join::new(&self.version, &other.version, forgotten);
            Arc::make_mut(&mut self.state).join(&other.state, &mut join);
            join.finish()
        } else {
            // Which of a path's two cells wins is decided on cells, where one is kept aside.
            self.join_parts(&[other.snapshot()?], true, true)?
        };
        self.present.join(&other.present);
        self.clock.resume(self.present.latest());
        self.claim(&other.version, &other.horizon);
        Ok(changes)
    }

    /// Joins the cells of a snapshot in parts, without asking for its claims. Its version holds for all parts together: it
    /// is claimed where they are `complete`. O(cells of the snapshot), and those of the document where the snapshot has
    /// forgotten tombstones.
    ///
    /// `noting` says whether changes are noted.
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

    /// Lets go of each cell that a snapshot at `version` has seen and no longer has, at none of its paths: its tombstone
    /// was forgotten there.
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
