use crate::{
    codec::varint::{self, Reader},
    error::Error,
    storage::named,
};

/// The first byte of all keys of indexed storages.
const INDEXED: u8 = b'I';

const COMMITS: u8 = 0;
const CATALOG: u8 = 1;
const RECORDS: u8 = 2;
const ENTRIES: u8 = 3;
const ASIDE: u8 = 4;
const EXTRA: u8 = 5;

/// The keys of one indexed storage.
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

    /// Counts the commits: whoever writes expects the count that it has read.
    pub(super) fn commits(&self) -> Vec<u8> {
        self.below(COMMITS, &[])
    }

    pub(super) fn catalog(&self) -> Vec<u8> {
        self.below(CATALOG, &[])
    }

    pub(super) fn record(&self, key: &[u8]) -> Vec<u8> {
        self.below(RECORDS, key)
    }

    /// Where a record is put that could not be read and was written over.
    pub(super) fn aside(&self, key: &[u8]) -> Vec<u8> {
        self.below(ASIDE, key)
    }

    /// A place for whoever builds on this storage.
    pub(super) fn extra(&self, key: &[u8]) -> Vec<u8> {
        self.below(EXTRA, key)
    }

    /// What the keys of all entries of all indices start with.
    pub(super) fn entries(&self) -> Vec<u8> {
        self.below(ENTRIES, &[])
    }

    /// The index that an entry belongs to, by its key.
    pub(super) fn id_of(&self, entry: &[u8]) -> Option<u16> {
        let id = entry.strip_prefix(self.entries().as_slice())?;
        id.first_chunk().map(|id| u16::from_be_bytes(*id))
    }

    /// What the keys of all entries of an index start with.
    pub(super) fn index(&self, id: u16) -> Vec<u8> {
        self.below(ENTRIES, &id.to_be_bytes())
    }

    /// The entry of `record` under `key`, in an index in which each record has its own.
    pub(super) fn entry(&self, id: u16, key: &[u8], record: &[u8]) -> Vec<u8> {
        [&self.index(id)[..], key, record].concat()
    }

    /// The entry of `key` in a unique index.
    pub(super) fn unique(&self, id: u16, key: &[u8]) -> Vec<u8> {
        self.entry(id, key, &[])
    }
}

/// The value of a record's own entry: where, in the entry's key, the record's begins, counted from its end.
pub(super) fn own_entry(record: &[u8]) -> Vec<u8> {
    let mut value = Vec::new();
    varint::put(&mut value, record.len() as u64);
    value
}

/// The index' key and the record's, which stand in an entry's key behind its index.
pub(super) fn split_entry<'a>(rest: &'a [u8], value: &[u8]) -> Result<(&'a [u8], &'a [u8]), Error> {
    let mut input = Reader::new(value);
    let length = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    rest.len()
        .checked_sub(length)
        .filter(|_| input.is_empty())
        .and_then(|at| rest.split_at_checked(at))
        .ok_or_else(|| Error::corrupt("an entry of an index does not tell its record's key"))
}

/// The value of a unique index' entry: the keys of its records, sorted; one, unless replicas chose one key while apart.
pub(super) fn owners(records: &[Vec<u8>]) -> Vec<u8> {
    let mut value = Vec::new();
    for record in records {
        varint::put(&mut value, record.len() as u64);
        value.extend_from_slice(record);
    }
    value
}

/// The keys of the records of a unique index' entry.
pub(super) fn read_owners(value: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut input = Reader::new(value);
    let mut records = Vec::new();
    while !input.is_empty() {
        let length = input.len()?;
        records.push(input.take(length)?.to_vec());
    }
    Ok(records)
}
