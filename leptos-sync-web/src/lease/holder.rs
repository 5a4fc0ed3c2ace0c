use leptos_sync_core::{
    Error, ReplicaId,
    storage::{Batch, Storage},
};

use super::pool::{self, SlotUse, State};
use crate::{
    indexed_db::IndexedDbStorage,
    web_locks::{Lock, Locks},
};

/// The number of slots to try. That many concurrent tabs have reusable ids; each further tab uses a
/// new id only once.
const SLOTS: u32 = 64;

/// The exclusive right to write under a [`ReplicaId`], for as long as this lives.
///
/// If a lease is dropped or its page dies, its id is retired, unless a batch with
/// [`release_write`](Lease::release_write) was committed before. In that case, the next page reuses
/// the id.
///
/// A lease does not know whether its holder has saved its operations.
pub struct Lease {
    replica: ReplicaId,
    slot: u32,
    _lock: Lock,
    /// The lock of the id. Its holder sends the operations that were written under the id.
    sends: Option<Lock>,
}

impl Lease {
    /// Takes an id from the database's pool, or adds a new id to the pool.
    ///
    /// Resolves once the id is durably marked as in use. Costs a lock request per open tab, a read,
    /// and a batch with strict durability. If the future is dropped, a slot of the pool may stay in
    /// use until the page ends.
    ///
    /// # Errors
    ///
    /// - [`Error::is_unavailable`] if there is no Web Locks API (in an insecure context), the
    ///   browser denies a lock, more than 64 tabs have leases, or there is no randomness for a new
    ///   id.
    /// - [`Error::is_storage`] if the pool cannot be read or written.
    ///
    /// A random id that is never used again is always a safe replacement, but each one adds an
    /// entry to version vectors.
    pub async fn take(storage: &IndexedDbStorage) -> Result<Self, Error> {
        let locks = Locks::new()?;
        for slot in 0..SLOTS {
            // The holder of the slot's id holds this lock as long as it lives.
            let name = ["leptos-sync:", storage.name(), ":", &slot.to_string()].concat();
            let Some(lock) = locks.try_lock(&name).await? else {
                continue;
            };
            let record = storage.get(&pool::key(slot)).await?;
            let mut replica = match pool::slot_use(record.as_deref()) {
                SlotUse::Free(replica) => replica,
                SlotUse::Mint => ReplicaId::random()?,
                SlotUse::Unknown => continue,
            };
            let name = Locks::of_replica(storage.name(), replica);
            let sends = locks.try_lock(&name).await?;
            if sends.is_none() {
                // Another page still sends operations that were written under the old id, so use a
                // new one.
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
        Err(Error::unavailable(
            "64 tabs of this site are open already; close one",
        ))
    }

    /// Returns the id.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// Returns the lock of the id, if this page holds it. The second call returns `None`.
    pub(crate) fn take_sends(&mut self) -> Option<Lock> {
        self.sends.take()
    }

    /// Adds the write that releases the id to a batch.
    ///
    /// Use the batch that saves the last operations of a page. **After it is issued, nothing may be
    /// written under the id**, so drop the lease. A page that returns from the browser's
    /// back/forward cache must acquire a new lease.
    pub fn release_write(&self, batch: &mut Batch) {
        pool::write(batch, self.slot, self.replica, State::Free);
    }
}
