use crate::{
    clock::{Stamp, Time},
    delta::Delta,
    error::Error,
    id::ReplicaId,
    storage::named,
};

/// The first byte of all keys of documents, which separates them from other data in the storage.
const DOCUMENTS: u8 = b'D';
const SNAPSHOT: u8 = 0;
const LOG: u8 = 1;

/// The keys of one document.
#[derive(Clone)]
pub(super) struct Keys {
    /// The prefix of all keys of this document. It contains the length of the name, so no other
    /// document shares it.
    prefix: Vec<u8>,
}

/// One of the snapshots that several tabs may have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation {
    stamp: Stamp,
    chunks: u32,
}

/// The meaning of a key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Named {
    Chunk { generation: Generation, index: u32 },
    Log,
}

impl Generation {
    pub(super) fn new(stamp: Stamp, chunks: usize) -> Self {
        // No storage holds a snapshot of 4 billion chunks.
        let chunks = u32::try_from(chunks).unwrap_or(u32::MAX);
        Self { stamp, chunks }
    }

    pub(super) fn chunks(self) -> usize {
        self.chunks as usize
    }
}

impl Keys {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        Ok(Self {
            prefix: named::prefix(DOCUMENTS, name)?,
        })
    }

    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Returns the key of a log record, which contains the stamp of its last transaction. So each
    /// writer's records are in order, and two writers never share a key.
    pub(super) fn log(&self, deltas: &[Delta]) -> Vec<u8> {
        let mut last = Stamp::default();
        for delta in deltas {
            for (replica, time) in delta.upto().iter() {
                last = last.max(Stamp::new(time, replica));
            }
        }
        let mut key = self.prefix.clone();
        key.push(LOG);
        put_stamp(&mut key, last);
        key
    }

    pub(super) fn chunk(&self, generation: Generation, index: usize) -> Vec<u8> {
        let mut key = self.prefix.clone();
        key.push(SNAPSHOT);
        put_stamp(&mut key, generation.stamp);
        key.extend_from_slice(&generation.chunks.to_be_bytes());
        key.extend_from_slice(&(index as u32).to_be_bytes());
        key
    }

    /// Parses a key below this document's prefix. Returns `None` for a key that a newer build has
    /// written.
    pub(super) fn parse(&self, key: &[u8]) -> Option<Named> {
        let (&kind, rest) = key.strip_prefix(self.prefix.as_slice())?.split_first()?;
        let (time, rest) = rest.split_first_chunk::<8>()?;
        let (replica, rest) = rest.split_first_chunk::<8>()?;
        let stamp = Stamp::new(
            Time::new(u64::from_be_bytes(*time)),
            ReplicaId::new(u64::from_be_bytes(*replica)),
        );
        match (kind, rest.len()) {
            (LOG, 0) => Some(Named::Log),
            (SNAPSHOT, 8) => {
                let (chunks, index) = rest.split_first_chunk::<4>()?;
                Some(Named::Chunk {
                    generation: Generation {
                        stamp,
                        chunks: u32::from_be_bytes(*chunks),
                    },
                    index: u32::from_be_bytes(index.try_into().ok()?),
                })
            }
            _ => None,
        }
    }
}

fn put_stamp(key: &mut Vec<u8>, stamp: Stamp) {
    key.extend_from_slice(&stamp.time.get().to_be_bytes());
    key.extend_from_slice(&stamp.replica.get().to_be_bytes());
}
