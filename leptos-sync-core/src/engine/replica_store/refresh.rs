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
pub enum Refreshed {
    /// Save again.
    Retry,
    /// Load the replica again: another tab has read another history of the relay.
    Reload,
}

/// The keys that show what another tab has changed.
pub struct Look {
    marker: Vec<u8>,
    progress: Vec<u8>,
    entries: Vec<u8>,
}

/// The records of these keys.
pub struct Looked {
    marker: Option<Vec<u8>>,
    progress: Option<Vec<u8>>,
    entries: Vec<Record>,
}

impl Look {
    /// Reads the records.
    ///
    /// # Errors
    ///
    /// If the storage cannot be read.
    pub async fn read(self, storage: &impl Storage) -> Result<Looked, Error> {
        let found = storage.get_many(&[&self.marker, &self.progress]).await?;
        let mut found = found.into_iter();
        Ok(Looked {
            marker: found.next().flatten(),
            progress: found.next().flatten(),
            entries: storage.scan_prefix(&self.entries).await?,
        })
    }
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
    pub async fn refresh<S: Root>(&mut self, replica: &mut Replica<S>) -> Result<Refreshed, Error> {
        let looked = self.look().read(&self.storage).await?;
        self.refreshed(looked, replica)
    }

    /// Returns the first part of [`refresh`](ReplicaStore::refresh), which reads. It borrows
    /// neither the store nor the replica.
    pub fn look(&self) -> Look {
        Look {
            marker: self.keys.marker(),
            progress: self.keys.progress(),
            entries: self.keys.entries(),
        }
    }

    /// Performs the second part of [`refresh`](ReplicaStore::refresh).
    ///
    /// # Errors
    ///
    /// If the records are damaged.
    pub fn refreshed<S: Root>(
        &mut self,
        looked: Looked,
        replica: &mut Replica<S>,
    ) -> Result<Refreshed, Error> {
        let Looked {
            marker,
            progress,
            entries: stored,
        } = looked;
        let Some(bytes) = marker else {
            self.pending = None;
            self.marker = None;
            self.stored_marker = None;
            self.contents = Contents::default();
            replica.forget_saved();
            return Ok(Refreshed::Retry);
        };
        let marker = Marker::decode(&bytes)?;
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
            return Ok(Refreshed::Retry);
        }
        let ids = stored
            .iter()
            .filter_map(|(key, _)| match self.keys.parse(key) {
                Some(Named::Entry(id)) => Some(id),
                _ => None,
            });
        replica.note_stored(&ids.collect::<Vec<_>>());
        self.marker = Some(marker);
        self.stored_marker = Some(bytes);
        if !is_new {
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
