use std::{
    ops::{Bound, RangeBounds},
    sync::Arc,
};

use super::key::{IndexKey, bytes_of};
use crate::{
    codec::varint::{self, Reader},
    error::Error,
    storage::{Damage, Scan, prefix_end},
};

/// A range of records in the order of an [`Index`](super::Index) or of their own keys.
///
/// Records of an index are sorted by index key, then by their own key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) index: Option<Arc<str>>,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    pub(super) limit: usize,
    pub(super) reverse: bool,
    after: Option<Cursor>,
    /// The last key that was read from the storage for the current page.
    pub(super) read: Option<Vec<u8>>,
}

/// The end of a page. The next page starts after it, even if the last record was removed meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The index key, or empty if records are sorted by their own keys.
    pub(crate) key: Vec<u8>,
    pub(crate) record: Vec<u8>,
}

/// A page of the records that match a [`Query`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Page<K, R> {
    /// The records with their keys, in the order of the query. An index with several keys per
    /// record returns a record once for each key that matches.
    pub records: Vec<(K, R)>,
    /// The start of the next page; `None` at the end.
    pub next: Option<Cursor>,
    /// The records and entries that could not be read. They stay unchanged in the storage.
    pub damage: Vec<Damage>,
}

impl Query {
    /// Matches all records, in the order of their keys.
    pub fn all() -> Self {
        Self::by(None, Bound::Unbounded, Bound::Unbounded)
    }

    /// Matches records whose own keys are in `range`.
    pub fn range<K: IndexKey>(range: impl RangeBounds<K>) -> Self {
        let bytes = |bound: Bound<&K>| bound.map(bytes_of);
        Self::by(None, bytes(range.start_bound()), bytes(range.end_bound()))
    }

    /// Matches records whose own keys are tuples that begin with `first`, a shorter tuple.
    pub fn leading(first: &impl IndexKey) -> Self {
        let bytes = bytes_of(first);
        Self::by(None, Bound::Included(bytes.clone()), Bound::Included(bytes))
    }

    /// Matches records whose encoded keys lie between these bounds.
    pub(crate) fn between(start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Self {
        Self::by(None, start, end)
    }

    pub(super) fn by(index: Option<Arc<str>>, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Self {
        Self {
            index,
            start,
            end,
            limit: usize::MAX,
            reverse: false,
            after: None,
            read: None,
        }
    }

    /// Limits the page to `limit` records. Without a limit, all matching records are read into
    /// memory.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Reverses the order.
    #[must_use]
    pub const fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Starts after `cursor`, which comes from a page of the same query.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Returns whether the key of an index or record is within the bounds.
    pub(super) fn includes(&self, key: &[u8]) -> bool {
        let range = (self.least(), self.greatest());
        RangeBounds::<Vec<u8>>::contains(&range, &key.to_vec())
    }

    fn least(&self) -> Bound<Vec<u8>> {
        match &self.start {
            // Keys that start with the excluded key are excluded too.
            Bound::Excluded(key) => match prefix_end(key) {
                Bound::Excluded(next) => Bound::Included(next),
                _ => Bound::Excluded(key.clone()),
            },
            start => start.clone(),
        }
    }

    fn greatest(&self) -> Bound<Vec<u8>> {
        match &self.end {
            Bound::Included(key) => prefix_end(key),
            end => end.clone(),
        }
    }

    /// Returns the scan below `prefix`, from the cursor on. If `whole` is true, each scanned key is
    /// a whole index key, whose entry may list several records.
    pub(super) fn scan(&self, prefix: &[u8], whole: bool) -> Scan {
        let below = |key: Vec<u8>| [prefix, &key].concat();
        let mut scan = Scan::prefix(prefix);
        match self.least() {
            Bound::Unbounded => {}
            start => scan.start = start.map(below),
        }
        match self.greatest() {
            Bound::Unbounded => {}
            end => scan.end = end.map(below),
        }
        let behind = match (&self.read, &self.after) {
            (Some(read), _) => Some(Bound::Excluded(read.clone())),
            // The entry at the cursor's key may list further records.
            (None, Some(Cursor { key, .. })) if whole => Some(Bound::Included(below(key.clone()))),
            (None, Some(Cursor { key, record })) => {
                Some(Bound::Excluded(below([&key[..], record].concat())))
            }
            (None, None) => None,
        };
        match behind {
            Some(end) if self.reverse => scan.end = end,
            Some(start) => scan.start = start,
            None => {}
        }
        scan.reverse = self.reverse;
        scan
    }

    /// Returns whether an entry comes after the cursor.
    pub(super) fn is_ahead(&self, entry: &Cursor) -> bool {
        match &self.after {
            Some(after) if self.reverse => entry < after,
            Some(after) => entry > after,
            None => true,
        }
    }
}

impl<K, R> Page<K, R> {
    /// Converts each record of the page.
    pub(crate) fn map<T>(self, part: impl Fn(R) -> T) -> Page<K, T> {
        let records = self.records.into_iter();
        Page {
            records: records.map(|(key, record)| (key, part(record))).collect(),
            next: self.next,
            damage: self.damage,
        }
    }
}

impl Cursor {
    /// Encodes the cursor, to store or send it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, self.key.len() as u64);
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.record);
        bytes
    }

    /// Decodes a cursor from `bytes`.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if the bytes are not a cursor.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let length = input.len()?;
        let key = input.take(length)?.to_vec();
        let record = input.take(input.remaining())?.to_vec();
        Ok(Self { key, record })
    }
}
