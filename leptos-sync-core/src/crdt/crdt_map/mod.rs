//! The map of records: its records and their marks (this file and `record`), and its cells
//! (`cells`).

mod cells;
mod record;

use std::{borrow::Borrow, collections::BTreeMap, fmt};

use self::record::Record;
pub(crate) use self::record::{MARKER, MARKS};
use super::Crdt;

/// A map whose values are CRDTs: records that are inserted and removed as a whole.
///
/// Two replicas that edit different fields of one record both win. So do two that create a record
/// at one key at the same time. A removal wins over edits that had not seen it. Inserting a record
/// over another one removes the other.
///
/// In a map of plain values, such as [`LwwMap`](super::LwwMap), the later of two edits of one value
/// wins as a whole.
///
/// The map iterates in the order of its keys. A counter that is incremented at one key, by a
/// replica that has not seen that the record was removed and inserted again, carries its old count
/// over. Ids as keys are never reused, so they do not have this problem.
///
/// ```text
/// key / ""          the ender: ends all older cells of the record
/// key / "" / m      the marker: the record exists
/// key / "" / h      the hidden flag: the record is removed in a way that can be undone
/// key / …           the record's own cells
/// ```
#[derive(Clone)]
pub struct CrdtMap<K, T> {
    /// All records, also those of which only an ender or some cells are known.
    records: BTreeMap<K, Record<T>>,
    /// The number of records that exist.
    len: usize,
}

impl<K, T> CrdtMap<K, T> {
    /// Creates an empty map. Allocates nothing.
    pub const fn new() -> Self {
        Self {
            records: BTreeMap::new(),
            len: 0,
        }
    }

    /// Returns the number of records. O(1).
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no records. O(1).
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Iterates over the records in the order of their keys. O(records).
    pub fn iter(&self) -> impl Iterator<Item = (&K, &T)> {
        let all = self.records.iter();
        all.filter_map(|(key, record)| Some((key, record.shown()?)))
    }

    /// Iterates over the keys in their order.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.iter().map(|(key, _)| key)
    }

    /// Iterates over the records in the order of their keys.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.iter().map(|(_, record)| record)
    }
}

impl<K: Ord, T> CrdtMap<K, T> {
    /// Returns the record at `key`. O(log records).
    pub fn get<Q>(&self, key: &Q) -> Option<&T>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.records.get(key)?.shown()
    }

    /// Returns whether there is a record at `key`. O(log records).
    pub fn contains<Q>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.get(key).is_some()
    }
}

impl<K: Ord + Clone, T: Crdt> CrdtMap<K, T> {
    /// Changes the record at `key`, and creates an unknown one.
    pub(crate) fn change<R>(&mut self, key: &K, change: impl FnOnce(&mut Record<T>) -> R) -> R {
        if let Some(record) = self.records.get_mut(key) {
            let was_live = record.is_live();
            let done = change(record);
            self.len = self.len + usize::from(record.is_live()) - usize::from(was_live);
            return done;
        }
        let mut record = Record::default();
        let done = change(&mut record);
        self.len += usize::from(record.is_live());
        self.records.insert(key.clone(), record);
        done
    }

    /// Returns the value of the record at `key`, whether it exists or not.
    pub(crate) fn value_mut(&mut self, key: &K) -> &mut T {
        &mut self.records.entry(key.clone()).or_default().value
    }

    /// Returns the record at `key` if any of its cells is known.
    pub(crate) fn known(&self, key: &K) -> Option<&Record<T>> {
        self.records.get(key).filter(|record| !record.is_blank())
    }
}

impl<K, T> Default for CrdtMap<K, T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, T: fmt::Debug> fmt::Debug for CrdtMap<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: PartialEq, T: PartialEq> PartialEq for CrdtMap<K, T> {
    /// Returns whether both have the same records.
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len && self.iter().eq(other.iter())
    }
}
