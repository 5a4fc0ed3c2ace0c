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
        let is_same = has_same_history(replica.progress(), &progress);
        self.theirs = Some(progress.clone());
        // A replica that has compared the stored base with the relay replaces it.
        if !is_new && (is_same || replica.must_rewrite()) {
            return Ok(RefreshOutcome::Retry);
        }
        self.contents = Contents::default();
        if !is_same || progress.comparing {
            return Ok(RefreshOutcome::Reload);
        }
        // Another tab has written the base as a whole.
        match position(&progress) >= position(replica.progress()) {
            true => replica.note_base_saved(),
            false => replica.rewrite(),
        }
        Ok(RefreshOutcome::Retry)
    }
}

/// Returns whether one of two bases has what the other one has, and more of the same history.
/// Cells of two histories must not be joined.
pub(super) fn has_same_history(ours: &Progress, theirs: &Progress) -> bool {
    let (at, their_at) = (position(ours), position(theirs));
    let common = Epochs::common_with(&ours.epochs, at, &theirs.epochs, their_at);
    common >= at.min(their_at)
}

fn position(progress: &Progress) -> Sequence {
    progress.cursor.position.sequence
}
