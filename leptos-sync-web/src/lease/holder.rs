use leptos_sync_core::{Batch, Error, ReplicaId, Scan, Storage};

use super::{
    locks::{Lock, Locks},
    pool::{self, Entry, State},
};
use crate::indexed_db::IndexedDbStorage;

/// The right to write under a [`ReplicaId`], alone, for as long as this lives.
///
/// A lease that is dropped or dies with its page retires its id, unless a batch with
/// [`release_write`](Lease::release_write) was committed before: then the next page takes the id over.
///
/// It does not know whether its holder saved what it wrote.
pub struct Lease {
    replica: ReplicaId,
    /// Held for an id of the pool; without it the id is new and nobody will ever take it over.
    lock: Option<Lock>,
}

impl Lease {
    /// Takes an id out of the database's pool, or a new one where none is free.
    ///
    /// Resolves when the pool says on disk that the id is in use. Without the Web Locks API (an insecure context), or
    /// when the pool fails, the id is new and stays out of the pool: always safe, but version vectors grow by it.
    ///
    /// Costs a scan, a lock request for each id of the pool, and a batch with strict durability.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] when there is no randomness for a new id.
    pub async fn take(storage: &IndexedDbStorage) -> Result<Self, Error> {
        if let Some(locks) = Locks::new()
            && let Ok(Some(lease)) = Self::from_pool(storage, &locks).await
        {
            return Ok(lease);
        }
        Ok(Self {
            replica: ReplicaId::random()?,
            lock: None,
        })
    }

    /// The id.
    pub fn replica(&self) -> ReplicaId {
        self.replica
    }

    /// Whether the id can be given back, so that another page uses it again.
    pub fn is_pooled(&self) -> bool {
        self.lock.is_some()
    }

    /// Adds to a batch that the id is free again.
    ///
    /// It belongs into the batch that saves the last operations of a page. **Once it is issued, nothing may be
    /// written under this id any more**; then drop the lease. A page that comes back from the browser's back/forward
    /// cache after that must take a new one.
    pub fn release_write(&self, batch: &mut Batch) {
        if self.is_pooled() {
            let (replica, state) = (self.replica, State::Free);
            Entry { replica, state }.write(batch);
        }
    }

    /// `None` when the browser refuses a lock.
    async fn from_pool(storage: &IndexedDbStorage, locks: &Locks) -> Result<Option<Self>, Error> {
        let names = Names(storage.name());
        let Some(_pool_lock) = locks.wait(&names.pool()).await else {
            return Ok(None);
        };
        let mut probed = Vec::new();
        for record in storage.scan(Scan::prefix(pool::PREFIX)).await? {
            if let Some(entry) = Entry::read(&record) {
                probed.push((entry, locks.try_lock(&names.replica(entry.replica)).await));
            }
        }
        let plan = pool::plan(probed.iter().map(|(entry, lock)| (*entry, lock.is_some())));
        let (replica, lock) = match plan.take {
            Some(replica) => {
                let found = probed
                    .iter_mut()
                    .find(|(entry, _)| entry.replica == replica);
                (replica, found.and_then(|(_, lock)| lock.take()))
            }
            None => {
                let replica = ReplicaId::random()?;
                (replica, locks.try_lock(&names.replica(replica)).await)
            }
        };
        if lock.is_some() {
            storage.commit(plan.batch(replica)).await?;
        }
        Ok(lock.map(|lock| Self {
            replica,
            lock: Some(lock),
        }))
    }
}

/// The names of a database's locks.
struct Names<'a>(&'a str);

impl Names<'_> {
    /// Held while somebody looks at the pool and changes it.
    fn pool(&self) -> String {
        ["leptos-sync:", self.0, ":leases"].concat()
    }

    /// Held while the holder of an id lives.
    fn replica(&self, replica: ReplicaId) -> String {
        ["leptos-sync:", self.0, ":replica:", &replica.to_string()].concat()
    }
}
