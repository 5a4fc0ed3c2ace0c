//! A cache over a storage.
//!
//! Time is divided into epochs. An epoch ends when a commit is issued, when its result arrives, and
//! when a change elsewhere is reported.
//!
//! ```text
//!  epoch    1                 2                    3
//!           ├─ get a ──────────── old value ┤                      not kept: its epoch is over
//!                    commit a │                    │ answered
//!                                ├─ get a ────────────── ? ┤        not kept either: the commit was on its way
//!                                                    ├─ get a ─ new value ┤    kept
//! ```
//!
//! A second caller joins a load only within the epoch in which the load began. The value is cached
//! only if that epoch still lasts and no commit was in flight. Issuing a commit removes its keys
//! from the cache. So a cached value reflects every commit by this handle and its clones. The price
//! is that a load during a commit of other keys is not cached.

mod flight;
mod values;

use std::sync::Arc;

use self::flight::{Flight, Leader, Role};
use self::values::{CachedValues, Shared};
use super::{Batch, Expected, Record, Scan, Storage, Write};
use crate::{clock::TimeSource, error::Error};

/// A [`Storage`] decorator that caches reads in memory, including reads of missing keys.
///
/// A cached `get` costs a look-up and a copy of the value. Concurrent `get`s of one key share one
/// read: the first caller loads the value and the others wait for it. If that load fails or is
/// dropped, one of the others loads the value. A load that is started but neither polled nor
/// dropped blocks the others.
///
/// `get_many` is answered from memory if all its keys are cached. Otherwise it reads all keys,
/// since the values must come from one state. Scans are not cached.
///
/// Commits through this handle and its clones are visible immediately. Commits from elsewhere, such
/// as another tab, are not: report them with [`invalidate`](CachedStorage::invalidate), or accept
/// values as old as the time to live. A `commit_if` that does not apply reveals such a commit and
/// clears the cache.
///
/// If the future of a commit is dropped, the cache does not learn when that commit ends. It caches
/// nothing more until a later commit succeeds.
///
/// # Example
///
/// ```
/// use leptos_sync_core::{clock::SystemTime, storage::{CacheLimits, CachedStorage, MemoryStorage}};
///
/// let limits = CacheLimits { bytes: 1024 * 1024, ttl_ms: 60_000 };
/// let store = CachedStorage::new(MemoryStorage::new(), limits, SystemTime);
/// store.invalidate(b"list"); // Another tab has changed it.
/// ```
#[derive(Clone)]
pub struct CachedStorage<S> {
    store: S,
    shared: Arc<Shared>,
}

/// The limits of a [`CachedStorage`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// The maximum size of all keys and values in bytes, including a fixed overhead per entry.
    pub bytes: usize,
    /// The time to live of a value in milliseconds, by the injected clock.
    pub ttl_ms: u64,
}

impl<S> CachedStorage<S> {
    /// Wraps `store` with an empty cache. `time` is the clock for the time to live.
    pub fn new(store: S, limits: CacheLimits, time: impl TimeSource + 'static) -> Self {
        let shared = Arc::new(Shared::new(limits, Box::new(time)));
        Self { store, shared }
    }

    /// Returns the underlying storage. Report direct writes to it with
    /// [`invalidate`](CachedStorage::invalidate).
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Removes the value at `key`, which has changed elsewhere. A load in progress is not cached.
    pub fn invalidate(&self, key: &[u8]) {
        self.shared.cached.lock().forget(&[key]);
    }

    /// Removes all values whose keys start with `prefix`. O(cached values).
    pub fn invalidate_prefix(&self, prefix: &[u8]) {
        self.shared.cached.lock().forget_prefix(prefix);
    }

    /// Returns the size of the cache, as [`CacheLimits::bytes`] counts it.
    pub fn cached_bytes(&self) -> u64 {
        self.shared.cached.lock().bytes()
    }
}

impl<S: Storage> CachedStorage<S> {
    /// Reads `key` for all waiting callers. `now` is the start of the load; the age of the cached
    /// value counts from it.
    async fn load(&self, key: &[u8], leader: Leader, now: u64) -> Result<Option<Vec<u8>>, Error> {
        // On an error, or if this future is dropped, dropping the leader wakes its followers.
        let value = self.store.get(key).await?;
        self.shared
            .cached
            .lock()
            .keep(key, &value, leader.epoch(), now);
        leader.land(value.clone());
        Ok(value)
    }

    /// Issues a batch with `commit` and removes its keys from the cache. Returns the number of the
    /// commit and its future.
    fn issue<F>(&self, batch: Batch, commit: impl FnOnce(Batch) -> F) -> (u64, F) {
        let keys: Vec<&[u8]> = batch.writes().iter().map(key_of).collect();
        // Hold the lock until the storage has the batch, so that the numbers follow the order of
        // commits from several threads.
        let mut cached = self.shared.cached.lock();
        let number = cached.issue(&keys);
        drop(keys);
        (number, commit(batch))
    }
}

/// Awaits the result of a numbered commit and records it.
async fn answer<T>(
    shared: Arc<Shared>,
    (number, issued): (u64, impl Future<Output = Result<T, Error>>),
) -> Result<T, Error> {
    let answer = issued.await;
    shared.cached.lock().answered(number, answer.is_ok());
    answer
}

impl<S: Storage> Storage for CachedStorage<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let now = self.shared.time.now_ms();
            let role = {
                let mut cached = self.shared.cached.lock();
                if let Some(value) = cached.get(key, now) {
                    return Ok(value);
                }
                Flight::board(&self.shared, &mut cached, key)
            };
            match role {
                Role::Leader(leader) => return self.load(key, leader, now).await,
                Role::Follower(flight) => {
                    if let Some(value) = flight.landing().await {
                        return Ok(value);
                    }
                }
            }
        }
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let now = self.shared.time.now_ms();
        let epoch = {
            let mut cached = self.shared.cached.lock();
            let known: Option<Vec<_>> = keys.iter().map(|key| cached.get(key, now)).collect();
            if let Some(values) = known {
                return Ok(values);
            }
            cached.epoch()
        };
        let values = self.store.get_many(keys).await?;
        let mut cached = self.shared.cached.lock();
        for (key, value) in keys.iter().zip(&values) {
            cached.keep(key, value, epoch, now);
        }
        Ok(values)
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        self.store.scan(scan).await
    }

    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.store.scan_prefix(prefix).await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        let issued = self.issue(batch, |batch| self.store.commit(batch));
        answer(Arc::clone(&self.shared), issued)
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let issued = self.issue(batch, |batch| self.store.commit_if(expected, batch));
        let shared = Arc::clone(&self.shared);
        async move {
            let applied = answer(Arc::clone(&shared), issued).await?;
            if !applied {
                // Another handle has written unknown keys, so clear the cache.
                shared.cached.lock().forget_prefix(&[]);
            }
            Ok(applied)
        }
    }
}

fn key_of(write: &Write) -> &[u8] {
    match write {
        Write::Put(key, _) | Write::Delete(key) => key,
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for CachedStorage<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedStorage")
            .field("store", &self.store)
            .field("cached_bytes", &self.cached_bytes())
            .finish_non_exhaustive()
    }
}
