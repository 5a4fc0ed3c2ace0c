//! A cache over a storage.
//!
//! Time is cut into epochs: one ends when a commit is issued or answered, and when a change elsewhere is reported.
//!
//! ```text
//!  epoch    1                 2                    3
//!           ├─ get a ──────────── old value ┤                      not kept: its epoch is over
//!                    commit a │                    │ answered
//!                                ├─ get a ────────────── ? ┤        not kept either: the commit was on its way
//!                                                    ├─ get a ─ new value ┤    kept
//! ```
//!
//! A load is joined by a second caller, and kept, only in the epoch in which it began, and kept only if no commit was on
//! its way. What is kept of a commit's keys is removed when it is issued. So a value that is kept is what the store has,
//! as far as this handle and its clones have written it. The price: a load beside a commit of other keys is not kept.

mod flight;
mod kept;

use std::sync::Arc;

use self::flight::{Flight, Leader, Role};
use self::kept::{Kept, Shared};
use super::{Batch, Expected, Record, Scan, Storage, Write};
use crate::{clock::TimeSource, error::Error};

/// A [`Storage`] that keeps in memory what was read, also that a key has no value.
///
/// A get of what is kept costs a look-up and a copy of the value, and reads nothing. Gets of one key at the same time
/// are one read: whoever comes first does it, the others await its result; where it fails or is dropped, the next of
/// them reads. (So a future that is begun and neither polled nor dropped lets others wait.) `get_many` is answered from
/// memory where all of it is kept, and otherwise reads all of it, since it is to show one state. Scans are not kept.
///
/// Commits through this handle and its clones are seen at once. Those from elsewhere, of another tab for one, are not:
/// tell them by [`invalidate`](CachedStorage::invalidate), or be content with values as old as the time to live. A
/// `commit_if` that is refused tells of them too: nothing is kept after it.
///
/// A commit whose future is dropped is not known to have ended: nothing further is kept until a later one succeeds.
///
/// # Example
///
/// ```
/// use leptos_sync_core::{CacheLimits, CachedStorage, MemoryStorage, SystemTime};
///
/// let limits = CacheLimits { bytes: 1024 * 1024, ttl_ms: 60_000 };
/// let store = CachedStorage::new(MemoryStorage::new(), limits, SystemTime);
/// store.invalidate(b"list"); // Another tab has written it.
/// ```
#[derive(Clone)]
pub struct CachedStorage<S> {
    store: S,
    shared: Arc<Shared>,
}

/// What a [`CachedStorage`] keeps at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Bytes of keys and values, each pair counted with some bytes for its entry.
    pub bytes: usize,
    /// Milliseconds after which a value is read anew, by the clock that was injected.
    pub ttl_ms: u64,
}

impl<S> CachedStorage<S> {
    /// `store`, with an empty cache; `time` says when values are too old.
    pub fn new(store: S, limits: CacheLimits, time: impl TimeSource + 'static) -> Self {
        let shared = Arc::new(Shared::new(limits, Box::new(time)));
        Self { store, shared }
    }

    /// The store below. Writing to it by another way than this handle has to be told.
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// Forgets the value at `key`, which has changed elsewhere. A load that is on its way is not kept.
    pub fn invalidate(&self, key: &[u8]) {
        self.shared.kept.lock().forget(&[key]);
    }

    /// Forgets all values whose keys start with `prefix`. O(what is kept).
    pub fn invalidate_prefix(&self, prefix: &[u8]) {
        self.shared.kept.lock().forget_prefix(prefix);
    }

    /// How many bytes are kept, as [`CacheLimits::bytes`] counts them.
    pub fn kept_bytes(&self) -> u64 {
        self.shared.kept.lock().bytes()
    }
}

impl<S: Storage> CachedStorage<S> {
    /// Reads `key` for everybody who waits for it, from `now` on: the value is as old as the beginning of its load.
    async fn load(&self, key: &[u8], leader: Leader, now: u64) -> Result<Option<Vec<u8>>, Error> {
        // Dropped without a value, on an error or with this future, the leader sends its followers on.
        let value = self.store.get(key).await?;
        self.shared
            .kept
            .lock()
            .keep(key, &value, leader.epoch(), now);
        leader.land(value.clone());
        Ok(value)
    }

    /// Hands a batch to the store by `commit`, and forgets what it writes. Gives the commit's number, and its answer.
    fn issue<F>(&self, batch: Batch, commit: impl FnOnce(Batch) -> F) -> (u64, F) {
        let keys: Vec<&[u8]> = batch.writes().iter().map(key_of).collect();
        // The lock is held until the store has it, so that commits of several threads are numbered in their order.
        let mut kept = self.shared.kept.lock();
        let number = kept.issue(&keys);
        drop(keys);
        (number, commit(batch))
    }
}

/// Awaits the answer of the commit with that number, and takes note of it.
async fn answer<T>(
    shared: Arc<Shared>,
    (number, issued): (u64, impl Future<Output = Result<T, Error>>),
) -> Result<T, Error> {
    let answer = issued.await;
    shared.kept.lock().answered(number, answer.is_ok());
    answer
}

impl<S: Storage> Storage for CachedStorage<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        loop {
            let now = self.shared.time.now_ms();
            let role = {
                let mut kept = self.shared.kept.lock();
                if let Some(value) = kept.get(key, now) {
                    return Ok(value);
                }
                Flight::board(&self.shared, &mut kept, key)
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
            let mut kept = self.shared.kept.lock();
            let known: Option<Vec<_>> = keys.iter().map(|key| kept.get(key, now)).collect();
            if let Some(values) = known {
                return Ok(values);
            }
            kept.epoch()
        };
        let values = self.store.get_many(keys).await?;
        let mut kept = self.shared.kept.lock();
        for (key, value) in keys.iter().zip(&values) {
            kept.keep(key, value, epoch, now);
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
                // Somebody else has written, and nobody knows what: none of what is kept can be relied on.
                shared.kept.lock().forget_prefix(&[]);
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
            .field("kept_bytes", &self.kept_bytes())
            .finish_non_exhaustive()
    }
}
