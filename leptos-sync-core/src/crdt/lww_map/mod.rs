//! The last-writer-wins map, in five concepts: the table of entries (this file and `table`), where each key is
//! (`index`), the order in which they were written (`recency`), its cells (`cells`), and how work on many keys waits for
//! memory once and not for each (`ahead`).

mod ahead;
mod cells;
mod hasher;
mod index;
mod lists;
mod recency;
mod table;
#[cfg(test)]
mod tests;

use std::{any::Any, borrow::Borrow, fmt, hash::Hash};

use serde::Serialize;

use self::ahead::NOWHERE;
pub(super) use self::table::{Entry, Table};
use crate::{clock::Stamp, codec, version::VersionVector};

/// A map whose entries are each written by the last writer.
///
/// A removed key leaves a tombstone, so that it stays removed when an older copy is merged. Values are native: `get`
/// costs a hash look-up. The map also keeps the order in which its entries were written, so that
/// [`changes_since`](LwwMap::changes_since) costs what changed.
///
/// Two concurrent writes to one key leave the later one, whole; writes to different keys never disturb each other.
/// The map does not know in which order its keys should be shown; iteration follows no order that replicas share.
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
    /// An empty map. Allocates nothing.
    pub fn new() -> Self {
        Self {
            table: Table::new(),
        }
    }

    /// How many keys have a value. O(1).
    pub fn len(&self) -> usize {
        self.table.live()
    }

    /// Whether no key has a value. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many removed keys are remembered. O(1).
    pub fn tombstones(&self) -> usize {
        self.table.len() - self.table.live()
    }

    /// Each key with its value, in no order that replicas share. O(entries).
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.table
            .entries()
            .filter_map(|entry| Some((&entry.key, entry.value.as_ref()?)))
    }

    /// The keys that have a value, in the order of [`iter`](LwwMap::iter).
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// The values, in the order of [`iter`](LwwMap::iter).
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.iter().map(|(_, value)| value)
    }

    /// The entries whose last write `since` does not contain: key, stamp, and value, `None` where it was removed.
    ///
    /// By replica, each replica's in the order of their times. Costs what it yields, where each replica's stamps
    /// arrived in rising order; otherwise O(entries).
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
    /// The value at `key`. One hash look-up.
    #[cfg_attr(not(target_arch = "wasm32"), inline(always))]
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.table.get(key)?.value.as_ref()
    }

    /// The values at `keys`, in their order.
    pub fn get_batch<'a, Q, I>(&'a self, keys: I) -> impl Iterator<Item = Option<&'a V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized + 'a,
        I: IntoIterator<Item = &'a Q>,
    {
        keys.into_iter().map(|key| self.get(key))
    }

    /// Whether `key` has a value. One hash look-up.
    pub fn contains_key<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.get(key).is_some()
    }

    /// What stands at `key`, tombstones included: `None` if nothing ever did, `Some(None)` if it was removed.
    pub fn cell<Q>(&self, key: &Q) -> Option<&Option<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        Some(&self.table.get(key)?.value)
    }

    /// When and by whom `key` was last written or removed.
    pub fn stamp<Q>(&self, key: &Q) -> Option<Stamp>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        Some(self.table.get(key)?.stamp)
    }

    /// Writes `value` at `key`. Returns whether the write took effect: one that is older than the entry does not.
    ///
    /// Writes with equal stamps belong to one transaction; the last of them stays. O(1) amortised.
    #[inline]
    pub fn insert(&mut self, key: K, value: V, stamp: Stamp) -> bool {
        self.table.write(key, Some(value), stamp)
    }

    /// Makes room for `additional` entries, in every part at once.
    pub fn reserve(&mut self, additional: usize) {
        self.table.reserve(additional);
    }

    /// Writes many entries as one transaction, with room made once. Returns how many writes took effect.
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

    /// Removes `key`, leaving a tombstone. Returns whether it had a value that the removal took away.
    pub fn remove<Q>(&mut self, key: &Q, stamp: Stamp) -> bool
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.table.bury(key, stamp)
    }

    /// Removes many keys as one transaction. Returns how many had a value.
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

    /// Forgets the tombstones that `stable` contains: removals which every replica is known to have seen. O(entries).
    pub fn forget_tombstones(&mut self, stable: &VersionVector) {
        self.table
            .remove_where(|entry| entry.value.is_none() && stable.contains(entry.stamp));
    }

    /// Checks what must hold between the map's parts.
    ///
    /// # Panics
    ///
    /// When it does not hold. For tests.
    pub fn assert_invariants(&self) {
        self.table.assert_invariants();
    }
}

impl<K: Clone + Eq + Hash, V: Clone + Serialize + 'static> LwwMap<K, V> {
    /// Joins another copy: of each entry, the later write stays. O(entries of the other); clones what it takes over.
    pub fn merge(&mut self, other: &Self) {
        if self.table.len() == 0 {
            self.table = other.table.clone();
            return;
        }
        let nothing = VersionVector::new();
        let mut scratch = Vec::new();
        let all = other.table.beyond(&nothing);
        if !self.pays_ahead() {
            // The one loop of a small map, where a call for each entry would be felt.
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

/// Whether the value `a` is greater than `b` where their stamps are equal: a tombstone is least, then by bytes.
///
/// They differ only where a replica id was used twice; the join must still be a join. Two copies of one operation are
/// the same bytes, which is what most of a full merge compares: `scratch` spares it the allocations.
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

/// Whether both are the same string, which needs no encoding to see.
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
    // What cannot be encoded never leaves this map, so that any choice converges.
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
    /// Whether both hold the same entries with the same stamps, tombstones included.
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
