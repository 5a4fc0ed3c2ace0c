use crate::{
    codec::varint::{self, Reader},
    error::Error,
    storage::named,
};

/// The first byte of all keys of an [`IndexedStorage`](super::IndexedStorage).
const INDEXED: u8 = b'I';

const COMMITS: u8 = 0;
const CATALOG: u8 = 1;
const RECORDS: u8 = 2;
const ENTRIES: u8 = 3;
const ASIDE: u8 = 4;
const EXTRA: u8 = 5;

/// The keys of one [`IndexedStorage`](super::IndexedStorage).
#[derive(Clone, Debug)]
pub(super) struct Layout {
    prefix: Vec<u8>,
}

impl Layout {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        Ok(Self {
            prefix: named::prefix(INDEXED, name)?,
        })
    }

    fn below(&self, kind: u8, rest: &[u8]) -> Vec<u8> {
        [&self.prefix[..], &[kind], rest].concat()
    }

    /// Returns the key of the count of commits. Every write expects the count that it has read.
    pub(super) fn commits(&self) -> Vec<u8> {
        self.below(COMMITS, &[])
    }

    pub(super) fn catalog(&self) -> Vec<u8> {
        self.below(CATALOG, &[])
    }

    pub(super) fn record(&self, key: &[u8]) -> Vec<u8> {
        self.below(RECORDS, key)
    }

    /// Returns the key of a damaged record that was overwritten.
    pub(super) fn aside(&self, key: &[u8]) -> Vec<u8> {
        self.below(ASIDE, key)
    }

    /// Returns a key that is reserved for a layer on top of this storage.
    pub(super) fn extra(&self, key: &[u8]) -> Vec<u8> {
        self.below(EXTRA, key)
    }

    /// Returns the prefix of all entries of all indices.
    pub(super) fn entries(&self) -> Vec<u8> {
        self.below(ENTRIES, &[])
    }

    /// Returns the id of the index to which an entry's key belongs.
    pub(super) fn id_of(&self, entry: &[u8]) -> Option<u16> {
        let id = entry.strip_prefix(self.entries().as_slice())?;
        id.first_chunk().map(|id| u16::from_be_bytes(*id))
    }

    /// Returns the prefix of all entries of an index.
    pub(super) fn index(&self, id: u16) -> Vec<u8> {
        self.below(ENTRIES, &id.to_be_bytes())
    }

    /// Returns the key of the entry that lists `record` under `key` in a non-unique index.
    pub(super) fn entry(&self, id: u16, key: &[u8], record: &[u8]) -> Vec<u8> {
        [&self.index(id)[..], key, record].concat()
    }

    /// Returns the key of the entry of `key` in a unique index.
    pub(super) fn unique(&self, id: u16, key: &[u8]) -> Vec<u8> {
        self.entry(id, key, &[])
    }
}

/// Returns the value of an entry in a non-unique index: the length of the record's key, with which
/// the entry's key ends.
pub(super) fn own_entry(record: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    varint::put(&mut value, record.len() as u64);
    value
}

/// Splits an entry's key, without its index, into the index key and the record's key.
pub(super) fn split_entry<'a>(rest: &'a [u8], value: &[u8]) -> Result<(&'a [u8], &'a [u8]), Error> {
    let mut input = Reader::new(value);
    let length = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    rest.len()
        .checked_sub(length)
        .filter(|_| input.is_empty())
        .and_then(|at| rest.split_at_checked(at))
        .ok_or_else(|| Error::corrupt("an index entry does not contain a record's key"))
}

/// Returns the value of an entry in a unique index: the sorted keys of its records. There is one,
/// unless offline replicas chose the same key.
pub(super) fn owners(records: &[Vec<u8>]) -> Vec<u8> {
    let mut value = Vec::new();
    for record in records {
        varint::put(&mut value, record.len() as u64);
        value.extend_from_slice(record);
    }
    value
}

/// Decodes the keys of the records in an entry of a unique index.
pub(super) fn read_owners(value: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut input = Reader::new(value);
    let mut records = Vec::new();
    while !input.is_empty() {
        let length = input.len()?;
        records.push(input.take(length)?.to_vec());
    }
    Ok(records)
}
