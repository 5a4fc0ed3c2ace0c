use crate::{
    error::Error,
    history::{EntryId, Sequence},
    id::ReplicaId,
    storage::named,
};

/// The first byte of all keys of replicas.
const REPLICAS: u8 = b'R';
const MARKER: &[u8] = &[0];
const PROGRESS: &[u8] = &[0, 1];
const ENTRY: &[u8] = &[0, 2];
const CHUNK: &[u8] = &[1];
const LOG: &[u8] = &[2];

/// The keys of one replica.
#[derive(Clone)]
pub(super) struct Keys {
    prefix: Vec<u8>,
}

/// The meaning of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Marker,
    Progress,
    /// A part of the base of a generation.
    Chunk(u64),
    /// Cells joined with the base of a generation.
    Log(u64),
    Entry(EntryId),
}

impl Keys {
    pub(super) fn new(name: &str) -> Result<Self, Error> {
        Ok(Self {
            prefix: named::prefix(REPLICAS, name)?,
        })
    }

    pub(super) fn prefix(&self) -> &[u8] {
        &self.prefix
    }

    /// Returns the key of the marker. It is a prefix of the keys of the progress and the entries.
    pub(super) fn marker(&self) -> Vec<u8> {
        self.key(MARKER, &[])
    }

    pub(super) fn progress(&self) -> Vec<u8> {
        self.key(PROGRESS, &[])
    }

    pub(super) fn chunk(&self, generation: u64, index: usize) -> Vec<u8> {
        self.key(CHUNK, &[generation, index as u64])
    }

    /// Returns the key of a log record. `nonce` is unique to the record.
    pub(super) fn log(&self, generation: u64, sequence: Sequence, nonce: u64) -> Vec<u8> {
        self.key(LOG, &[generation, sequence.get(), nonce])
    }

    pub(super) fn entry(&self, id: EntryId) -> Vec<u8> {
        self.key(ENTRY, &[id.replica.get(), id.number])
    }

    fn key(&self, kind: &[u8], numbers: &[u64]) -> Vec<u8> {
        let mut key = self.prefix.clone();
        key.extend_from_slice(kind);
        for number in numbers {
            key.extend_from_slice(&number.to_be_bytes());
        }
        key
    }

    /// Parses a key of any replica. Returns `None` for the key of something else.
    pub(super) fn parse_any(key: &[u8]) -> Option<Named> {
        let prefix = named::prefix_of(REPLICAS, key)?.to_vec();
        Self { prefix }.parse(key)
    }

    /// Parses a key. Returns `None` for a key that a newer build has written.
    pub(super) fn parse(&self, key: &[u8]) -> Option<Named> {
        let rest = key.strip_prefix(self.prefix.as_slice())?;
        // The last bytes are numbers.
        let (kind, numbers) = rest.as_rchunks::<8>();
        let number = |at: usize| numbers.get(at).copied().map_or(0, u64::from_be_bytes);
        match (kind, numbers.len()) {
            (MARKER, 0) => Some(Named::Marker),
            (PROGRESS, 0) => Some(Named::Progress),
            (CHUNK, 2) => Some(Named::Chunk(number(0))),
            (LOG, 3) => Some(Named::Log(number(0))),
            (ENTRY, 2) => Some(Named::Entry(EntryId {
                replica: ReplicaId::new(number(0)),
                number: number(1),
            })),
            _ => None,
        }
    }
}
