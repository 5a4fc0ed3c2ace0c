use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hash},
};

use super::{
    prefetch::{NOWHERE, WINDOW},
    table::Entry,
};
use crate::{codec::TableHasher, positions::Positions};

/// The number of entries up to which a look-up scans them all. Scanning is as fast as hashing up to
/// this size, and many maps are this small.
const SCANNED: usize = 8;

/// The index of entries by key: a hash table of positions, which exists once there are nine
/// entries.
///
/// The index does not store keys; callers pass the entries. It contains either all positions or, in
/// small maps, none.
#[derive(Clone, Default)]
pub(super) struct Index {
    positions: Positions,
    hasher: TableHasher,
}

/// The result of a failed look-up: the hash of the key, if there is a hash table.
#[derive(Clone, Copy)]
pub(in crate::crdt) struct Vacant(u64);

impl Index {
    /// Reserves space for `total` entries.
    pub(super) fn reserve<K: Hash, V>(&mut self, total: usize, entries: &[Entry<K, V>]) {
        if total > SCANNED {
            let Self { positions, hasher } = self;
            positions.reserve(total - positions.len(), &by_key(hasher, entries));
            if positions.is_empty() {
                self.fill(entries);
            }
        }
    }

    /// Returns the position of `key`. A following [`push`](Index::push) can reuse the hash.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(super) fn find<K, V, Q>(&self, key: &Q, entries: &[Entry<K, V>]) -> Result<u32, Vacant>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        if self.positions.is_empty() {
            let found = entries.iter().position(|entry| entry.key.borrow() == key);
            return found.map(|slot| slot as u32).ok_or(Vacant(0));
        }
        let hash = self.hasher.hash_one(key);
        let is_here = |slot: u32| {
            entries
                .get(slot as usize)
                .is_some_and(|entry| entry.key.borrow() == key)
        };
        self.positions.find(hash, is_here).ok_or(Vacant(hash))
    }

    /// Guesses the position of each key whose slot is unknown. The guess is the first position with
    /// the same hash byte.
    pub(super) fn guess<'k, K: Hash + 'k>(
        &self,
        keys: impl Iterator<Item = &'k K>,
        slots: &mut [u32; WINDOW],
    ) {
        let mut hashes = [0; WINDOW];
        let known = hashes.iter_mut().zip(keys);
        let count = known
            .map(|(hash, key)| *hash = self.hasher.hash_one(key))
            .count();
        for (slot, &hash) in slots.iter_mut().zip(&hashes).take(count) {
            if *slot == NOWHERE
                && let Some(guess) = self.positions.find(hash, |_| true)
            {
                *slot = guess;
            }
        }
    }

    /// Adds the last of `entries`, whose key was not found before.
    #[inline]
    pub(super) fn push<K: Hash, V>(&mut self, vacant: Vacant, entries: &[Entry<K, V>]) {
        if !self.positions.is_empty() {
            let Self { positions, hasher } = self;
            let last = entries.len() as u32 - 1;
            positions.insert(vacant.0, last, &by_key(hasher, entries));
        } else if entries.len() > SCANNED {
            self.fill(entries);
        }
    }

    /// Removes the position `slot`. The entry at `last` moves to `slot`.
    pub(super) fn swap_remove<K: Hash, V>(
        &mut self,
        slot: u32,
        last: u32,
        entries: &[Entry<K, V>],
    ) {
        let Self { positions, hasher } = self;
        if !positions.is_empty() {
            positions.swap_remove(slot, last, &by_key(hasher, entries));
        }
    }

    pub(super) fn assert_invariants(&self, entries: usize) {
        assert!(
            self.positions.len() == entries || (self.positions.is_empty() && entries <= SCANNED),
            "all entries are indexed, or none in a small map"
        );
    }

    #[cold]
    fn fill<K: Hash, V>(&mut self, entries: &[Entry<K, V>]) {
        let Self { positions, hasher } = self;
        // Reserve once, since growing step by step would hash every key again.
        let by_key = &by_key(hasher, entries);
        positions.reserve(entries.len(), by_key);
        for slot in 0..entries.len() as u32 {
            positions.insert(by_key(slot), slot, by_key);
        }
    }
}

/// Returns the function that returns the hash of the key at a position.
fn by_key<K: Hash, V>(hasher: &TableHasher, entries: &[Entry<K, V>]) -> impl Fn(u32) -> u64 {
    |slot| hash_at(hasher, entries, slot)
}

fn hash_at<K: Hash, V>(hasher: &TableHasher, entries: &[Entry<K, V>], slot: u32) -> u64 {
    entries
        .get(slot as usize)
        .map_or(0, |entry| hasher.hash_one(&entry.key))
}
