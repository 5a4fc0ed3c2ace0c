use super::{
    Contents, ReplicaStore,
    keys::Named,
    record::{self, Marker},
    write::Write,
};
use crate::{
    crdt::Root,
    error::Error,
    history::{Epochs, Sequence},
    replica::{Progress, Replica},
    storage::{Record, Storage},
};

/// What to do after a write whose condition did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefreshOutcome {
    /// Save again.
    Retry,
    /// Load the replica again: another tab has read another history of the relay.
    Reload,
    /// Load the replica again, without anything of the present one: another tab has
    /// [discarded](ReplicaStore::discard) it.
    Discarded,
}

impl<St: Storage> ReplicaStore<St> {
    /// Reads what another tab has changed, after a write whose condition did not hold or whose
    /// outcome is unknown.
    ///
    /// If the storage was deleted, the replica is written again.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read, or its records are damaged.
    pub async fn refresh<S: Root>(
        &mut self,
        replica: &mut Replica<S>,
    ) -> Result<RefreshOutcome, Error> {
        let records = self.storage.scan_prefix(&self.shared_prefix()).await?;
        self.refreshed(records, replica)
    }

    /// Performs the second part of [`refresh`](ReplicaStore::refresh), with the records that a scan
    /// of [`shared_prefix`](ReplicaStore::shared_prefix) returns.
    ///
    /// # Errors
    ///
    /// If the records are damaged.
    pub fn refreshed<S: Root>(
        &mut self,
        records: Vec<Record>,
        replica: &mut Replica<S>,
    ) -> Result<RefreshOutcome, Error> {
        let (mut marker, mut progress, mut ids) = (None, None, Vec::new());
        for (key, record) in records {
            match self.keys.parse(&key) {
                Some(Named::Marker) => marker = Some(record),
                Some(Named::Progress) => progress = Some(record),
                Some(Named::Entry(id)) => ids.push(id),
                _ => {}
            }
        }
        let Some(bytes) = marker else {
            self.pending = None;
            self.theirs = None;
            self.marker = None;
            self.stored_marker = None;
            self.contents = Contents::default();
            replica.forget_saved();
            return Ok(RefreshOutcome::Retry);
        };
        let marker = Marker::decode(&bytes)?;
        let known = self.marker.map_or(0, |known| known.discarded);
        if marker.discarded != 0 && marker.discarded != known {
            return Ok(RefreshOutcome::Discarded);
        }
        if self.marker.is_some_and(|known| !known.precedes(&marker)) {
            // Another tab has noticed before that the storage had vanished, and has written it.
            replica.forget_saved();
        }
        let generation = marker.generation;
        // Only a generation is random, so that no other tab can have written it. All other writes
        // are repeated, which changes nothing if they were applied.
        let is_new = self
            .marker
            .is_none_or(|known| known.generation != generation);
        let pending = self.pending.take();
        let is_ours = |write: &Write| is_new && write.marker.generation == generation;
        self.pending = pending.filter(is_ours);
        if self.pending.is_some() {
            self.committed(replica);
            return Ok(RefreshOutcome::Retry);
        }
        replica.note_stored(&ids);
        self.marker = Some(marker);
        self.stored_marker = Some(bytes);
        let progress = record::decode_progress(&progress.unwrap_or_default())?;
        Ok(self.refreshed_base(replica, progress, is_new))
    }

    /// Decides what to do with the stored base. `is_new` says whether another tab has written it as
    /// a whole.
    fn refreshed_base<S: Root>(
        &mut self,
        replica: &mut Replica<S>,
        progress: Progress,
        is_new: bool,
    ) -> RefreshOutcome {
        let is_same = has_same_history(replica.progress(), &progress);
        // The relay was offered what the stored base has.
        let is_compared = has_compared(replica, &progress);
        let is_ahead = position(replica.progress()) > position(&progress);
        let is_comparing = progress.comparing;
        self.theirs = Some(progress);
        if !is_new && is_same || is_compared {
            return RefreshOutcome::Retry;
        }
        self.contents = Contents::default();
        if is_same && !is_comparing {
            // Another tab has written the base as a whole.
            match is_ahead {
                true => replica.rewrite(),
                false => replica.note_base_saved(),
            }
            return RefreshOutcome::Retry;
        }
        // What only this tab has must not get lost. It is offered to the relay before it is stored.
        let has_more = match is_same {
            true => is_ahead,
            false => replica.before_comparisons().is_empty() && replica.has_unsaved_base(),
        };
        if !has_more {
            return RefreshOutcome::Reload;
        }
        replica.compare();
        if is_same {
            replica.rewrite();
        }
        RefreshOutcome::Retry
    }
}

/// Returns whether the replica has compared the base of another history with the relay.
pub(super) fn has_compared<S: Root>(replica: &Replica<S>, theirs: &Progress) -> bool {
    replica.before_comparisons().iter().any(|before| {
        // What the relay was offered certainly, and what the stored base may contain.
        let (at, their_at) = (position(before), end(theirs));
        Epochs::common_with(&before.epochs, at, &theirs.epochs, their_at) >= their_at
    })
}

/// Returns whether one of two bases has everything that the other one has, from the same history.
/// Cells of two histories must not be joined.
///
/// After a comparison, a base has cells beyond its position, up to the head that the relay had
/// reported.
pub(super) fn has_same_history(ours: &Progress, theirs: &Progress) -> bool {
    let (at, their_at) = (end(ours), end(theirs));
    let common = Epochs::common_with(&ours.epochs, at, &theirs.epochs, their_at);
    common >= at.min(their_at)
}

/// Returns the greatest number of the changes that a base may contain.
pub(super) fn end(progress: &Progress) -> Sequence {
    position(progress).max(progress.cursor.witness.head.sequence)
}

fn position(progress: &Progress) -> Sequence {
    progress.cursor.position.sequence
}
