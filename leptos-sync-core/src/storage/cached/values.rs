use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use quick_cache::{Weighter, unsync::Cache};

use super::{CacheLimits, flight::Flight};
use crate::clock::TimeSource;

/// The approximate overhead of an entry, in bytes: its slots in two tables and two allocations.
const ENTRY_BYTES: usize = 96;

/// The state that clones of a cache share.
pub(super) struct Shared {
    pub(super) cached: Mutex<CachedValues>,
    pub(super) time: Box<dyn TimeSource>,
}

/// The cached values, and the progress of commits.
pub(super) struct CachedValues {
    values: Cache<Vec<u8>, Entry, Bytes>,
    /// The current loads by key. A key has at most one, the latest.
    pub(super) flights: BTreeMap<Vec<u8>, Arc<Flight>>,
    ttl_ms: u64,
    epoch: u64,
    /// The number of the latest commit that was issued.
    issued: u64,
    /// The number up to which all commits have ended. Commits are applied in order, so a commit
    /// that succeeds proves that those before it ended.
    ended: u64,
}

#[derive(Clone)]
struct Entry {
    value: Option<Vec<u8>>,
    since_ms: u64,
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Vec<u8>, Entry> for Bytes {
    fn weight(&self, key: &Vec<u8>, entry: &Entry) -> u64 {
        (ENTRY_BYTES + key.len() + entry.value.as_ref().map_or(0, Vec::len)) as u64
    }
}

impl Shared {
    pub(super) fn new(limits: CacheLimits, time: Box<dyn TimeSource>) -> Self {
        // Choose the size of the tables by an estimate of the number of entries.
        let entries = (limits.bytes / 1024).clamp(16, 4096);
        let cached = CachedValues {
            values: Cache::with_weighter(entries, limits.bytes as u64, Bytes),
            flights: BTreeMap::new(),
            ttl_ms: limits.ttl_ms,
            epoch: 0,
            issued: 0,
            ended: 0,
        };
        Self {
            cached: Mutex::new(cached),
            time,
        }
    }
}

impl CachedValues {
    /// Returns the value at `key` if it is cached and fresh at `now`.
    pub(super) fn get(&mut self, key: &[u8], now: u64) -> Option<Option<Vec<u8>>> {
        let entry = self.values.get(key)?;
        // After the clock was set back, the age is unknown.
        let fresh = now
            .checked_sub(entry.since_ms)
            .is_some_and(|age| age < self.ttl_ms);
        if fresh {
            return Some(entry.value.clone());
        }
        self.values.remove(key);
        None
    }

    /// Caches a value from a load that began in `epoch`, unless it may have changed since.
    pub(super) fn keep(&mut self, key: &[u8], value: &Option<Vec<u8>>, epoch: u64, now: u64) {
        if epoch == self.epoch && self.ended == self.issued {
            let entry = Entry {
                value: value.clone(),
                since_ms: now,
            };
            // Remove the old value first, because the cache may not admit the new one.
            self.values.remove(key);
            self.values.insert(key.to_vec(), entry);
        }
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    pub(super) fn forget(&mut self, keys: &[&[u8]]) {
        self.epoch += 1;
        for &key in keys {
            self.values.remove(key);
        }
    }

    pub(super) fn forget_prefix(&mut self, prefix: &[u8]) {
        self.epoch += 1;
        self.values.retain(|key, _| !key.starts_with(prefix));
    }

    /// Records a commit that writes `keys`, and returns its number.
    pub(super) fn issue(&mut self, keys: &[&[u8]]) -> u64 {
        self.forget(keys);
        self.issued += 1;
        self.issued
    }

    /// Records the result of the commit `number`.
    pub(super) fn answered(&mut self, number: u64, success: bool) {
        self.epoch += 1;
        // A failed commit has ended, but does not prove that the commits before it have.
        if success || self.ended + 1 == number {
            self.ended = self.ended.max(number);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.values.weight()
    }
}
