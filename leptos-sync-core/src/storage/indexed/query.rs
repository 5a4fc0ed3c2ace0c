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

/// Which records are asked for, and in which order: by an [`Index`](super::Index), or by their own keys.
///
/// An index' records come in the order of its keys, and those under one key in the order of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) index: Option<Arc<str>>,
    start: Bound<Vec<u8>>,
    end: Bound<Vec<u8>>,
    pub(super) limit: usize,
    pub(super) reverse: bool,
    after: Option<Cursor>,
    /// The key in the store that was read last, on the way to a page.
    pub(super) read: Option<Vec<u8>>,
}

/// Where a page ended: the next begins behind it, also if the record that stood there is gone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// The key in the index; none where records come by their own.
    pub(crate) key: Vec<u8>,
    pub(crate) record: Vec<u8>,
}

/// Some of the records that a [`Query`] asks for.
#[derive(Debug)]
pub struct Page<K, R> {
    /// The records with their keys, in the order of the query. An index of several keys a record gives a record once for
    /// each of its keys that is asked for.
    pub records: Vec<(K, R)>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
    /// What could not be read on the way. It stays as it is.
    pub damage: Vec<Damage>,
}

impl Query {
    /// All records, in the order of their keys.
    pub fn all() -> Self {
        Self::by(None, Bound::Unbounded, Bound::Unbounded)
    }

    /// The records whose own keys lie in `range`.
    pub fn range<K: IndexKey>(range: impl RangeBounds<K>) -> Self {
        let bytes = |bound: Bound<&K>| bound.map(bytes_of);
        Self::by(None, bytes(range.start_bound()), bytes(range.end_bound()))
    }

    /// The records whose own keys, which are tuples, begin with these: a tuple of one of them or several.
    pub fn leading(first: &impl IndexKey) -> Self {
        let bytes = bytes_of(first);
        Self::by(None, Bound::Included(bytes.clone()), Bound::Included(bytes))
    }

    /// The records whose own keys, as bytes, lie between these.
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

    /// At most `limit` records. Without, all of them are read into memory.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// From the last one on.
    #[must_use]
    pub const fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// From behind `cursor` on, which a page of the same query has given.
    #[must_use]
    pub fn after(mut self, cursor: Cursor) -> Self {
        self.after = Some(cursor);
        self
    }

    /// Whether a key of the index, or of a record, lies within the bounds.
    pub(super) fn includes(&self, key: &[u8]) -> bool {
        let range = (self.least(), self.greatest());
        RangeBounds::<Vec<u8>>::contains(&range, &key.to_vec())
    }

    fn least(&self) -> Bound<Vec<u8>> {
        match &self.start {
            // Everything that begins with the key lies before the start.
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

    /// The scan below `prefix`, from the cursor on; `whole` says that a scanned key is one of the index alone, under which
    /// several records may stand.
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
            // Others than the cursor's record may stand under its key.
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

    /// Whether an entry lies behind the cursor.
    pub(super) fn is_ahead(&self, entry: &Cursor) -> bool {
        match &self.after {
            Some(after) if self.reverse => entry < after,
            Some(after) => entry > after,
            None => true,
        }
    }
}

impl<K, R> Page<K, R> {
    /// The same page of something else.
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
    /// The cursor as bytes, to be kept or handed to somebody.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        varint::put(&mut bytes, self.key.len() as u64);
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.record);
        bytes
    }

    /// The cursor that `bytes` spell.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] when they are not a cursor's.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut input = Reader::new(bytes);
        let length = input.len()?;
        let key = input.take(length)?.to_vec();
        let record = input.take(input.remaining())?.to_vec();
        Ok(Self { key, record })
    }
}
