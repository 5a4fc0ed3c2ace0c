//! The last-writer-wins map: the table of entries (this file and `table`), the index by key
//! (`index`), the order of writes (`recency`), its cells (`cells`), and prefetching for work on
//! many keys (`prefetch`).

mod cells;
mod index;
#[cfg(not(target_arch = "wasm32"))]
mod lists;
mod prefetch;
#[cfg_attr(target_arch = "wasm32", path = "recency_js.rs")]
mod recency;
#[cfg(all(test, not(target_arch = "wasm32")))]
mod recency_js;
mod table;
#[cfg(test)]
mod tests;

use std::{any::Any, borrow::Borrow, fmt, hash::Hash};

use serde::Serialize;

use self::prefetch::NOWHERE;
pub(super) use self::{
    cells::wins,
    table::{Entry, Table},
};
use super::Stable;
use crate::{clock::Stamp, codec, version::VersionVector};

/// A map in which the last write to each key wins.
///
/// A removed key leaves a tombstone, so that it stays removed when an older copy is merged. The map
/// holds values in their native form, so `get` costs one hash look-up and decodes nothing. The map
/// also keeps its entries in the order of their writes, so the cost of
/// [`changes_since`](LwwMap::changes_since) is proportional to what changed.
///
/// Of two concurrent writes to one key, the later one wins as a whole. Writes to different keys
/// never affect each other. The map does not order its keys; iteration order differs between
/// replicas.
///
/// A document that a page stores moves tombstones out of its maps once there are many. Then the
/// map's own methods do not return them, but they still win over older writes.
///
/// ```
/// use leptos_sync_core::{Clock, LwwMap, ReplicaId};
///
/// let (mut ada, mut bob) = (Clock::system(ReplicaId::new(1)), Clock::system(ReplicaId::new(2)));
/// let mut at_ada = LwwMap::<String, u32>::new();
/// at_ada.insert_batch([("milk".to_owned(), 1), ("eggs".to_owned(), 6)], ada.tick()?);
/// let mut at_bob = at_ada.clone();
///
/// bob.observe(ada.last())?;
/// at_bob.remove("milk", bob.tick()?);
/// at_ada.insert("eggs".to_owned(), 12, ada.tick()?);
/// at_ada.merge(&at_bob);
/// at_bob.merge(&at_ada);
///
/// assert_eq!(at_ada, at_bob);
/// assert_eq!(at_ada.get("milk"), None);
/// assert_eq!(at_ada.get("eggs"), Some(&12));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone)]
pub struct LwwMap<K, V> {
    table: Table<K, V>,
}

impl<K, V> LwwMap<K, V> {
    /// Creates an empty map. Allocates nothing.
    pub fn new() -> Self {
        Self {
            table: Table::new(),
        }
    }

    /// Returns the number of keys with a value. O(1).
    pub fn len(&self) -> usize {
        self.table.live()
    }

    /// Returns whether no key has a value. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of tombstones. O(1).
    pub fn tombstones(&self) -> usize {
        self.table.len() - self.table.live()
    }

    /// Iterates over keys and values, in an order that differs between replicas. O(entries).
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table
            .entries()
            .filter_map(|entry| Some((&entry.key, entry.value.as_ref()?)))
    }

    /// Iterates over the keys with a value, in the order of [`iter`](LwwMap::iter).
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// Iterates over the values, in the order of [`iter`](LwwMap::iter).
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// Iterates over the entries whose last write `since` does not contain, as key, stamp and
    /// value; the value is `None` for a removed key.
    ///
    /// Entries are grouped by replica and sorted by time. The cost is proportional to the result if
    /// each replica's stamps arrived in order, else O(entries).
    pub fn changes_since<'a>(
        &'a self,
        since: &'a VersionVector,
    ) -> impl Iterator<Item = (&'a K, Stamp, Option<&'a V>)> {
        self.table
            .since(since)
            .map(|entry| (&entry.key, entry.stamp, entry.value.as_ref()))
    }
}

impl<K: Eq + Hash, V> LwwMap<K, V> {
    /// Returns the value at `key`. One hash look-up.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.table.get(key)?.value.as_ref()
    }

    /// Returns the values at `keys`, in order.
    pub fn get_batch<'a, Q, I>(&'a self, keys: I) -> impl Iterator<Item = Option<&'a V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized + 'a,
        I: IntoIterator<Item = &'a Q>,
    {
        keys.into_iter().map(|key| self.get(key))
    }

    /// Returns whether `key` has a value. One hash look-up.
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.get(key).is_some()
    }

    /// Returns the entry at `key`, including tombstones: `None` if it was never written,
    /// `Some(None)` if it was removed.
    pub fn cell<Q>(&self, key: &Q) -> Option<&Option<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        Some(&self.table.get(key)?.value)
    }

    /// Returns the stamp of the last write or removal of `key`.
    pub fn stamp<Q>(&self, key: &Q) -> Option<Stamp>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        Some(self.table.get(key)?.stamp)
    }

    /// Writes `value` at `key`. Returns whether the write took effect; a write older than the entry
    /// does not.
    ///
    /// Writes with equal stamps belong to one transaction; the last one wins. Amortized O(1).
    #[inline]
    pub fn insert(&mut self, key: K, value: V, stamp: Stamp) -> bool {
        self.table.write(key, Some(value), stamp)
    }

    /// Reserves space for `additional` entries in all parts.
    pub fn reserve(&mut self, additional: usize) {
        self.table.reserve(additional);
    }

    /// Writes many entries in one transaction and reserves space once. Returns the number of writes
    /// that took effect.
    pub fn insert_batch(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
        stamp: Stamp,
    ) -> usize {
        let entries = entries.into_iter();
        self.table.reserve(entries.size_hint().0);
        let mut written = 0;
        self.for_each(
            entries,
            |(key, _)| Some((key, NOWHERE)),
            |map, (key, value)| {
                written += usize::from(map.table.write(key, Some(value), stamp));
            },
        );
        written
    }

    /// Removes `key` and leaves a tombstone. Returns whether the key had a value that was removed.
    pub fn remove<Q>(&mut self, key: &Q, stamp: Stamp) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.table.bury(key, stamp)
    }

    /// Removes many keys in one transaction. Returns how many had a value.
    pub fn remove_batch<'a, Q>(
        &mut self,
        keys: impl IntoIterator<Item = &'a Q>,
        stamp: Stamp,
    ) -> usize
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized + 'a,
    {
        keys.into_iter()
            .map(|key| usize::from(self.table.bury(key, stamp)))
            .sum()
    }

    /// Forgets the tombstones that `stable` contains: removals that every replica is known to have
    /// seen. O(entries).
    pub fn forget_tombstones(&mut self, stable: &VersionVector) {
        self.table.forget_tombstones(Stable::Version(stable));
    }

    /// Checks the invariants between the map's parts. For tests.
    ///
    /// # Panics
    ///
    /// If an invariant does not hold.
    pub fn assert_invariants(&self) {
        self.table.assert_invariants();
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Serialize + 'static> LwwMap<K, V> {
    /// Joins another copy. For each key, the later write wins. O(entries of the other), and clones
    /// the entries that it takes.
    pub fn merge(&mut self, other: &Self) {
        if self.table.len() == 0 {
            self.table = other.table.clone();
            return;
        }
        let nothing = VersionVector::new();
        let mut scratch = Vec::new();
        let all = other.table.beyond(&nothing);
        if !self.pays_to_prefetch() {
            // Use a simple loop for small maps, where a function call per entry would be
            // noticeable.
            all.for_each(|(slot, theirs)| {
                self.table.join(slot, theirs, &mut scratch);
            });
            return;
        }
        self.for_each(
            all,
            |(slot, theirs)| Some((&theirs.key, *slot)),
            |map, (slot, theirs)| {
                map.table.join(slot, theirs, &mut scratch);
            },
        );
    }
}

/// Returns whether `a` is greater than `b` at equal stamps: a tombstone loses to any value;
/// otherwise the greater bytes win.
///
/// Equal stamps with different values arise only if a replica id was used twice. Most comparisons
/// in a merge find equal values; `scratch` spares them an allocation.
#[inline]
pub(super) fn greater<V: Serialize + 'static>(
    a: Option<&V>,
    b: Option<&V>,
    scratch: &mut Vec<u8>,
) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => !same_text(a, b) && greater_encoded(a, b, scratch),
        (Some(_), None) => true,
        (None, _) => false,
    }
}

/// Returns whether both are equal strings, without encoding them.
#[inline]
fn same_text<V: 'static>(a: &V, b: &V) -> bool {
    let (a, b) = (a as &dyn Any, b as &dyn Any);
    match (a.downcast_ref::<String>(), b.downcast_ref::<String>()) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

fn greater_encoded<V: Serialize>(a: &V, b: &V, scratch: &mut Vec<u8>) -> bool {
    scratch.clear();
    let left = codec::encode(a, scratch);
    let split = scratch.len();
    let right = codec::encode(b, scratch);
    // A value that cannot be encoded never leaves this map, so any choice converges.
    left.is_ok() && right.is_ok() && {
        let (left, right) = scratch.split_at(split);
        left > right
    }
}

impl<K, V> Default for LwwMap<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + Hash, V: PartialEq> PartialEq for LwwMap<K, V> {
    /// Returns whether both have the same entries with the same stamps, including tombstones.
    fn eq(&self, other: &Self) -> bool {
        self.table.len() == other.table.len()
            && self.table.entries().all(|entry| {
                other.table.get(&entry.key).is_some_and(|theirs| {
                    theirs.stamp == entry.stamp && theirs.value == entry.value
                })
            })
    }
}

impl<K: Eq + Hash, V: Eq> Eq for LwwMap<K, V> {}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for LwwMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
