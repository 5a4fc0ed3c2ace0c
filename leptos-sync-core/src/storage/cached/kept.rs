use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use quick_cache::{Weighter, unsync::Cache};

use super::{CacheLimits, flight::Flight};
use crate::clock::TimeSource;

/// Bytes that an entry takes besides its key and its value, about: its slots in two tables and two allocations.
const ENTRY_BYTES: usize = 96;

/// What the clones of one cache share.
pub(super) struct Shared {
    pub(super) kept: Mutex<Kept>,
    pub(super) time: Box<dyn TimeSource>,
}

/// The values that are kept, and how far the store is known to have come.
pub(super) struct Kept {
    values: Cache<Vec<u8>, Entry, Bytes>,
    /// The loads that are on their way, by key: at most one for each, the latest.
    pub(super) flights: BTreeMap<Vec<u8>, Arc<Flight>>,
    ttl_ms: u64,
    epoch: u64,
    /// The number of the last commit that was issued.
    issued: u64,
    /// The commits up to this one have ended. Commits are applied in order, so one that succeeds ends those before it.
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
        // A guess at the number of entries, which makes tables of a fitting size.
        let entries = (limits.bytes / 1024).clamp(16, 4096);
        let kept = Kept {
            values: Cache::with_weighter(entries, limits.bytes as u64, Bytes),
            flights: BTreeMap::new(),
            ttl_ms: limits.ttl_ms,
            epoch: 0,
            issued: 0,
            ended: 0,
        };
        Self {
            kept: Mutex::new(kept),
            time,
        }
    }
}

impl Kept {
    /// The value at `key`, if it is known at `now`.
    pub(super) fn get(&mut self, key: &[u8], now: u64) -> Option<Option<Vec<u8>>> {
        let entry = self.values.get(key)?;
        // A clock that was set back says nothing about the age.
        let fresh = now
            .checked_sub(entry.since_ms)
            .is_some_and(|age| age < self.ttl_ms);
        if fresh {
            return Some(entry.value.clone());
        }
        self.values.remove(key);
        None
    }

    /// Keeps what was read in a load that began in `epoch`, unless something may have changed since.
    pub(super) fn keep(&mut self, key: &[u8], value: &Option<Vec<u8>>, epoch: u64, now: u64) {
        if epoch == self.epoch && self.ended == self.issued {
            let entry = Entry {
                value: value.clone(),
                since_ms: now,
            };
            // What has no room is not admitted, and then nothing older is to stay either.
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

    /// Takes note of a commit that writes `keys`, and gives it a number.
    pub(super) fn issue(&mut self, keys: &[&[u8]]) -> u64 {
        self.forget(keys);
        self.issued += 1;
        self.issued
    }

    /// Takes note of the answer to the commit `number`.
    pub(super) fn answered(&mut self, number: u64, success: bool) {
        self.epoch += 1;
        // One that failed has ended too, but says nothing about those before it.
        if success || self.ended + 1 == number {
            self.ended = self.ended.max(number);
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.values.weight()
    }
}
