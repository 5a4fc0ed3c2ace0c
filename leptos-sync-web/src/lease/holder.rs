use leptos_sync_core::{
    Error, ReplicaId,
    storage::{Batch, Storage},
};

use super::pool::{self, Found, State};
use crate::{
    indexed_db::IndexedDbStorage,
    web_locks::{Lock, Locks},
};

/// Slots that are tried, one after the other: so many tabs at once have ids that are used again. More get ids that are
/// used once.
const SLOTS: u32 = 64;

/// The right to write under a [`ReplicaId`], alone, for as long as this lives.
///
/// A lease that is dropped or dies with its page retires its id, unless a batch with
/// [`release_write`](Lease::release_write) was committed before: then the next page takes the id over.
///
/// It does not know whether its holder saved what it wrote.
pub struct Lease {
    replica: ReplicaId,
    slot: u32,
    _lock: Lock,
    /// That of the id itself, for whoever sends what is written under it.
    sends: Option<Lock>,
}

impl Lease {
    /// Takes an id out of the database's pool, or puts a new one there.
    ///
    /// Resolves when the pool says on disk that the id is in use. Costs a lock request for each tab that is open, a read,
    /// and a batch with strict durability. Where the future is dropped, a place in the pool may be held until the page ends.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] without the Web Locks API (an insecure context), where the browser refuses a lock, where
    /// more than 64 tabs have leases, and when there is no randomness for a new id; [`Error::is_storage`] when the
    /// pool fails. An id of one's own, which is never used again, is always safe, but version vectors grow by it.
    pub async fn take(storage: &IndexedDbStorage) -> Result<Self, Error> {
        let locks = Locks::new()?;
        for slot in 0..SLOTS {
            // The name of the lock that is held while the holder of the slot's id lives.
            let name = ["leptos-sync:", storage.name(), ":", &slot.to_string()].concat();
            let Some(lock) = locks.try_lock(&name).await? else {
                continue;
            };
            let record = storage.get(&pool::key(slot)).await?;
            let mut replica = match pool::look(record.as_deref()) {
                Found::Free(replica) => replica,
                Found::Mint => ReplicaId::random()?,
                Found::Unknown => continue,
            };
            let name = Locks::of_replica(storage.name(), replica);
            let sends = locks.try_lock(&name).await?;
            if sends.is_none() {
                // Another page is sending what was written under it before: it goes on doing so, under that id.
                replica = ReplicaId::random()?;
            }
            let mut batch = Batch::new();
            pool::write(&mut batch, slot, replica, State::InUse);
            batch.strict();
            storage.commit(batch).await?;
            return Ok(Self {
                replica,
                slot,
                _lock: lock,
                sends,
            });
        }
        Err(Error::unavailable("too many tabs of this site are open"))
    }

    /// The id.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// The lock of the id, once, if this page holds it.
    pub(crate) fn take_sends(&mut self) -> Option<Lock> {
        self.sends.take()
    }

    /// Adds to a batch that the id is free again.
    ///
    /// It belongs into the batch that saves the last operations of a page. **Once it is issued, nothing may be
    /// written under this id any more**; then drop the lease. A page that comes back from the browser's back/forward
    /// cache after that must take a new one.
    pub fn release_write(&self, batch: &mut Batch) {
        pool::write(batch, self.slot, self.replica, State::Free);
    }
}
