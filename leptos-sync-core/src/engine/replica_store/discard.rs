use super::{ReplicaStore, ReplicaWrite, record::Marker};
use crate::{
    error::Error,
    history::Position,
    id::ReplicaId,
    storage::{Batch, Expected, Record, Storage},
};

impl<St: Storage> ReplicaStore<St> {
    /// Returns the write that deletes the replica from the storage. `records` are what a scan of
    /// [`prefix`](ReplicaStore::prefix) returns.
    ///
    /// Only a marker without content remains. By it, other tabs learn that they must not write what
    /// they have in memory. If the write was applied, [read](ReplicaStore::read) the replica again.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    pub fn discard(&self, records: Vec<Record>) -> Result<ReplicaWrite, Error> {
        let (key, mut value, mut batch) = (self.keys.marker(), None, Batch::new());
        for (name, record) in records {
            batch.delete(name.clone());
            if name == key {
                value = Some(record);
            }
        }
        let marker = Marker {
            generation: 0,
            outbox: 0,
            position: Position::default(),
            chunks: 0,
            discarded: ReplicaId::random()?.get().max(1),
        };
        batch.put(key.clone(), marker.encode());
        let expected = Expected { key, value };
        Ok(ReplicaWrite { expected, batch })
    }
}
