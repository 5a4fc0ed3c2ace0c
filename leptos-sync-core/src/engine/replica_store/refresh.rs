use super::{
    Contents, ReplicaStore,
    keys::Named,
    record::{self, Marker},
};
use crate::{
    crdt::Root,
    error::Error,
    history::{Epochs, Sequence},
    replica::{Progress, Replica},
    storage::{Scan, Storage},
};

/// What to do after a write whose condition did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refreshed {
    /// Save again.
    Retry,
    /// Load the replica again: another tab has read another history of the relay.
    Reload,
}

impl<St: Storage> ReplicaStore<St> {
    /// Reads what another tab has changed, after a write whose condition did not hold or whose
    /// outcome is unknown.
    ///
    /// If the storage was deleted, the replica is written anew.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read, or its records are damaged.
    pub async fn refresh<S: Root>(&mut self, replica: &mut Replica<S>) -> Result<Refreshed, Error> {
        let keys = [self.keys.marker(), self.keys.progress()];
        let keys: Vec<_> = keys.iter().map(Vec::as_slice).collect();
        let mut found = self.storage.get_many(&keys).await?.into_iter();
        let (marker, progress) = (found.next().flatten(), found.next().flatten());
        let stored = self
            .storage
            .scan(Scan::prefix(&self.keys.entries()))
            .await?;
        let pending = self.pending.take();
        let Some(bytes) = marker else {
            self.marker = None;
            self.stored_marker = None;
            self.contents = Contents::default();
            replica.forget_saved();
            return Ok(Refreshed::Retry);
        };
        let marker = Marker::decode(&bytes)?;
        // A write that does not change the marker may have been applied or not, so it is repeated.
        let is_ours =
            pending.filter(|(written, _)| *written == marker && self.marker != Some(marker));
        if let Some((_, receipt)) = is_ours {
            self.committed(replica, receipt);
            return Ok(Refreshed::Retry);
        }
        let ids = stored
            .iter()
            .filter_map(|(key, _)| match self.keys.parse(key) {
                Some(Named::Entry(id)) => Some(id),
                _ => None,
            });
        replica.note_stored(&ids.collect::<Vec<_>>());
        let known = self.marker.replace(marker);
        self.stored_marker = Some(bytes);
        if known.is_some_and(|known| known.generation == marker.generation) {
            return Ok(Refreshed::Retry);
        }
        self.contents = Contents::default();
        let progress = record::decode_progress(&progress.unwrap_or_default())?;
        Ok(rebase(replica, &progress))
    }
}

/// Decides what to do with a base that another tab has written as a whole.
fn rebase<S: Root>(replica: &mut Replica<S>, theirs: &Progress) -> Refreshed {
    let ours = replica.progress();
    let (at, their_at) = (position(ours), position(theirs));
    let common = Epochs::common_with(&ours.epochs, at, &theirs.epochs, their_at);
    if common < at.min(their_at) || theirs.comparing {
        return Refreshed::Reload;
    }
    match their_at >= at {
        true => replica.note_base_saved(),
        false => replica.rewrite(),
    }
    Refreshed::Retry
}

fn position(progress: &Progress) -> Sequence {
    progress.cursor.position.sequence
}
