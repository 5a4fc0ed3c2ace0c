use std::{borrow::Borrow, hash::Hash, hint::black_box};

use serde::Serialize;

use super::{
    greater,
    index::{Index, Vacant},
    prefetch::{NOWHERE, WINDOW},
    recency::Recency,
};
use crate::{
    clock::Stamp,
    crdt::{Stable, traits::Place},
    limits,
    version::VersionVector,
};

/// The entries of a map: a vector in order of arrival, an index of positions by key, and the order
/// of writes.
///
/// Iterating over all entries reads memory sequentially.
#[derive(Clone)]
pub(in crate::crdt) struct Table<K, V> {
    entries: Vec<Entry<K, V>>,
    index: Index,
    recency: Recency,
    live: usize,
}

/// The last write to a key; `None` is a tombstone.
#[derive(Clone)]
pub(in crate::crdt) struct Entry<K, V> {
    pub(in crate::crdt) key: K,
    pub(in crate::crdt) value: Option<V>,
    pub(in crate::crdt) stamp: Stamp,
}

impl<K, V> Table<K, V> {
    pub(in crate::crdt) fn new() -> Self {
        Self {
            entries: Vec::new(),
            index: Index::default(),
            recency: Recency::default(),
            live: 0,
        }
    }

    /// Returns the number of entries, including tombstones.
    pub(in crate::crdt) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns the number of entries with a value.
    pub(in crate::crdt) fn live(&self) -> usize {
        self.live
    }

    pub(in crate::crdt) fn entries(&self) -> impl Iterator<Item = &Entry<K, V>> {
        self.entries.iter()
    }

    pub(in crate::crdt) fn since<'a>(
        &'a self,
        since: &'a VersionVector,
    ) -> impl Iterator<Item = &'a Entry<K, V>> {
        self.beyond(since).map(|(_, entry)| entry)
    }

    /// Iterates over the entries that were written last, all at `stamp`.
    pub(in crate::crdt) fn stamped(&self, stamp: Stamp) -> impl Iterator<Item = &Entry<K, V>> {
        let slots = self.recency.stamped(stamp, |slot| self.entry(slot).stamp);
        slots.map(|slot| self.entry(slot))
    }

    /// Iterates over the entries whose last write `since` does not contain, with their positions.
    pub(super) fn beyond<'a>(
        &'a self,
        since: &'a VersionVector,
    ) -> impl Iterator<Item = (u32, &'a Entry<K, V>)> {
        let slots = self.recency.since(since, |slot| self.entry(slot).stamp);
        slots.map(|slot| (slot, self.entry(slot)))
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "only this table creates positions")]
    pub(in crate::crdt) fn entry(&self, slot: u32) -> &Entry<K, V> {
        &self.entries[slot as usize]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "only this table creates positions")]
    fn entry_mut(&mut self, slot: u32) -> &mut Entry<K, V> {
        &mut self.entries[slot as usize]
    }
}

impl<K: Eq + Hash, V> Table<K, V> {
    /// Reserves space for `additional` entries in all parts.
    pub(in crate::crdt) fn reserve(&mut self, additional: usize) {
        // An iterator may claim any length. Beyond the limit, the table grows on demand.
        let additional = additional.min(limits::MAP_ENTRIES);
        self.index
            .reserve(self.entries.len() + additional, &self.entries);
        if self.entries.capacity() == 0 {
            self.entries = Vec::with_capacity(additional);
        } else {
            self.entries.reserve(additional);
        }
    }

    /// Prefetches the memory that a look-up and a write of these keys will read, for at most
    /// [`WINDOW`] keys. Performs each step for all keys before the next step. Each key comes with
    /// its likely position.
    pub(super) fn prefetch<'k>(&self, keys: impl Iterator<Item = (&'k K, u32)> + Clone)
    where
        K: 'k,
    {
        let mut slots = [NOWHERE; WINDOW];
        let mut unknown = false;
        for (slot, (key, hint)) in slots.iter_mut().zip(keys.clone()) {
            match self.is_at(hint, key) {
                true => *slot = hint,
                false => unknown = true,
            }
        }
        if unknown {
            self.index
                .guess(keys.clone().map(|(key, _)| key), &mut slots);
            let guessed = slots.iter().zip(keys);
            black_box(
                guessed
                    .filter(|&(&slot, (key, _))| self.is_at(slot, key))
                    .count(),
            );
        }
        let around = slots.iter().map(|&slot| self.recency.around(slot));
        black_box(around.fold(0, |all, one| all ^ one));
    }

    #[inline]
    pub(super) fn is_at(&self, slot: u32, key: &K) -> bool {
        let entry = self.entries.get(slot as usize);
        entry.is_some_and(|entry| entry.key == *key)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(in crate::crdt) fn find<Q>(&self, key: &Q) -> Option<u32>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.look_up(key).ok()
    }

    /// Returns the position of an entry, like [`find`](Table::find). If there is none, returns the
    /// argument for [`push`](Table::push).
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(in crate::crdt) fn look_up<Q>(&self, key: &Q) -> Result<u32, Vacant>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.index.find(key, &self.entries)
    }

    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub(in crate::crdt) fn get<Q>(&self, key: &Q) -> Option<&Entry<K, V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.find(key).map(|slot| self.entry(slot))
    }

    /// Performs a local write. It takes effect unless the entry is newer.
    #[inline]
    pub(in crate::crdt) fn write(&mut self, key: K, value: Option<V>, stamp: Stamp) -> bool {
        match self.look_up(&key) {
            Ok(slot) => {
                if stamp < self.entry(slot).stamp {
                    return false;
                }
                self.replace(slot, value, stamp);
            }
            Err(vacant) => self.push(vacant, Entry { key, value, stamp }),
        }
        true
    }

    /// Adds an entry whose key was looked up and not found.
    #[inline]
    pub(in crate::crdt) fn push(&mut self, vacant: Vacant, entry: Entry<K, V>) {
        self.live += usize::from(entry.value.is_some());
        self.recency.push(entry.stamp);
        self.entries.push(entry);
        self.index.push(vacant, &self.entries);
    }

    /// Performs a local removal. It takes effect if the key has a value and the removal is not
    /// older than it.
    pub(super) fn bury<Q>(&mut self, key: &Q, stamp: Stamp) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let Some(slot) = self.find(key) else {
            return false;
        };
        let entry = self.entry(slot);
        if entry.value.is_none() || stamp < entry.stamp {
            return false;
        }
        self.replace(slot, None, stamp);
        true
    }

    /// Replaces an entry's value and stamp unconditionally.
    pub(in crate::crdt) fn replace(&mut self, slot: u32, value: Option<V>, stamp: Stamp) {
        self.renew(slot, stamp, |entry| *entry = value);
    }

    #[inline]
    fn renew(&mut self, slot: u32, stamp: Stamp, change: impl FnOnce(&mut Option<V>)) {
        let entry = self.entry_mut(slot);
        let was_live = usize::from(entry.value.is_some());
        let old = std::mem::replace(&mut entry.stamp, stamp);
        change(&mut entry.value);
        let is_live = usize::from(entry.value.is_some());
        self.live = self.live + is_live - was_live;
        if old != stamp {
            self.recency.renew(slot, old, stamp);
        }
    }

    /// Returns the position of an entry in the order of writes.
    pub(in crate::crdt) fn place(&self, slot: u32) -> Place {
        self.recency.place(slot)
    }

    /// Undoes the latest [`replace`](Table::replace) that has not been undone yet, including the
    /// order of writes.
    pub(in crate::crdt) fn put_back(
        &mut self,
        slot: u32,
        value: Option<V>,
        stamp: Stamp,
        place: Place,
    ) {
        let now = self.entry(slot).stamp;
        let is_live = usize::from(value.is_some());
        let entry = self.entry_mut(slot);
        let was_live = usize::from(entry.value.is_some());
        entry.value = value;
        entry.stamp = stamp;
        self.live = self.live + is_live - was_live;
        if now != stamp {
            let entries = &self.entries;
            self.recency.put_back(slot, now, place, &|slot| {
                entries
                    .get(slot as usize)
                    .map_or(stamp, |entry| entry.stamp)
            });
        }
    }

    /// Removes an entry, even a tombstone. The last entry takes its position.
    pub(in crate::crdt) fn detach(&mut self, slot: u32) -> Option<Entry<K, V>> {
        let last = u32::try_from(self.entries.len().checked_sub(1)?).ok()?;
        self.index.swap_remove(slot, last, &self.entries);
        let (stamp, last_stamp) = (self.entry(slot).stamp, self.entry(last).stamp);
        self.recency.swap_remove(slot, stamp, last_stamp);
        let entry = self.entries.swap_remove(slot as usize);
        self.live -= usize::from(entry.value.is_some());
        Some(entry)
    }

    /// Removes all entries for which `gone` returns true.
    pub(in crate::crdt) fn remove_where(&mut self, mut gone: impl FnMut(&Entry<K, V>) -> bool) {
        // Go backwards: the last entry takes the position of a removed one, and has been checked by
        // then.
        for slot in (0..self.entries.len() as u32).rev() {
            if gone(self.entry(slot)) {
                self.detach(slot);
            }
        }
    }

    /// Removes the tombstones of stable operations. O(entries).
    pub(in crate::crdt) fn forget_tombstones(&mut self, stable: Stable<'_>) {
        self.remove_where(|entry| entry.value.is_none() && stable.contains(entry.stamp));
    }

    /// Passes the tombstones to `take` and removes them. O(entries), unless there are none.
    pub(super) fn take_tombstones(&mut self, take: &mut dyn FnMut(&K, Stamp)) {
        if self.live < self.entries.len() {
            self.remove_where(|entry| {
                let is_tombstone = entry.value.is_none();
                if is_tombstone {
                    take(&entry.key, entry.stamp);
                }
                is_tombstone
            });
        }
    }

    pub(in crate::crdt) fn assert_invariants(&self) {
        self.index.assert_invariants(self.entries.len());
        let live = self.entries().filter(|entry| entry.value.is_some());
        assert_eq!(
            live.count(),
            self.live,
            "the count of live entries is correct"
        );
        for (slot, entry) in self.entries.iter().enumerate() {
            assert_eq!(
                self.find(&entry.key),
                Some(slot as u32),
                "every entry is found by its key"
            );
        }
        self.recency
            .assert_invariants(|slot| self.entry(slot).stamp);
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Serialize + 'static> Table<K, V> {
    /// Joins an entry of another copy, in which it has the position `slot`. If the entry wins,
    /// returns whether its key was added or removed.
    #[inline]
    pub(super) fn join(
        &mut self,
        slot: u32,
        theirs: &Entry<K, V>,
        scratch: &mut Vec<u8>,
    ) -> Option<bool> {
        // Copies with a common origin have the same key at the same position.
        let same = self.entries.get(slot as usize);
        let found = match same {
            Some(ours) if ours.key == theirs.key => Ok(slot),
            _ => self.look_up(&theirs.key),
        };
        let slot = match found {
            Ok(slot) => slot,
            Err(vacant) => {
                self.push(vacant, theirs.clone());
                return Some(theirs.value.is_some());
            }
        };
        let ours = self.entry(slot);
        let wins = theirs.stamp > ours.stamp
            || (theirs.stamp == ours.stamp
                && greater(theirs.value.as_ref(), ours.value.as_ref(), scratch));
        let existence = ours.value.is_some() != theirs.value.is_some();
        wins.then(|| {
            // Reuse the allocation of the old value.
            self.renew(slot, theirs.stamp, |value| value.clone_from(&theirs.value));
            existence
        })
    }
}
