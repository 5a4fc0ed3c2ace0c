//! The metadata of each document, without its cells.
//!
//! ```text
//! head    = floor, records, sum, replica*                                   u64 each, little endian
//! replica = id, version, horizon, present                                   in the order of ids
//! ```

use leptos_sync_core::{ReplicaId, Time, VersionVector};
use rusqlite::{Connection, OptionalExtension, params};

use super::record::Table;
use crate::{
    error::Error,
    log::{
        Head,
        database::{Checksum, Tally, damaged, fault},
    },
};

/// A document's head and the tally of its cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredHead {
    pub(super) head: Head,
    pub(super) cells: Tally,
}

impl StoredHead {
    fn encode(&self) -> Vec<u8> {
        let Self { head, cells } = self;
        // Every replica in the version or the horizon is present too.
        let mut bytes = Vec::with_capacity(24 + 32 * head.present.len());
        let mut put = |number: u64| bytes.extend_from_slice(&number.to_le_bytes());
        put(head.floor.get());
        put(cells.records);
        put(cells.sum);
        for (replica, present) in head.present.iter() {
            put(replica.get());
            put(head.version.get(replica).get());
            put(head.horizon.get(replica).get());
            put(present.get());
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut stored = Self::default();
        stored.head.floor = Time::new(words.next()?);
        stored.cells.records = words.next()?;
        stored.cells.sum = words.next()?;
        let (mut version, mut horizon, mut present) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(replica) = words.next() {
            for times in [&mut version, &mut horizon, &mut present] {
                times.push((ReplicaId::new(replica), Time::new(words.next()?)));
            }
        }
        let vector = |times: Vec<_>| times.into_iter().collect::<VersionVector>();
        stored.head.version = vector(version);
        stored.head.horizon = vector(horizon);
        stored.head.present = vector(present);
        rest.is_empty().then_some(stored)
    }
}

fn checksum(document: i64, head: &[u8]) -> i64 {
    Checksum::of(Table::Heads as u64)
        .number(document)
        .bytes(head)
        .finish()
}

/// Loads the head of a document that the register lists.
pub(super) fn load(connection: &Connection, document: i64) -> Result<StoredHead, Error> {
    let (head, sum): (Vec<u8>, i64) = connection
        .prepare_cached("SELECT head, checksum FROM heads WHERE document = ?1")
        .and_then(|mut query| {
            query
                .query_row([document], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(fault)?
        .ok_or_else(damaged)?;
    if sum != checksum(document, &head) {
        return Err(damaged());
    }
    StoredHead::decode(&head).ok_or_else(damaged)
}

pub(super) fn create(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
) -> Result<(), Error> {
    let head = stored.encode();
    connection
        .prepare_cached("INSERT INTO heads VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| insert.execute(params![document, head, checksum(document, &head)]))
        .map_err(fault)?;
    Ok(())
}

pub(super) fn store(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
) -> Result<(), Error> {
    let head = stored.encode();
    let changed = connection
        .prepare_cached("UPDATE heads SET head = ?2, checksum = ?3 WHERE document = ?1")
        .and_then(|mut update| update.execute(params![document, head, checksum(document, &head)]))
        .map_err(fault)?;
    if changed == 1 { Ok(()) } else { Err(damaged()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoded_head_decodes_to_the_same_head() {
        let of = |entries: &[(u64, u64)]| -> VersionVector {
            let entries = entries.iter();
            entries
                .map(|&(replica, time)| (ReplicaId::new(replica), Time::new(time)))
                .collect()
        };
        let head = Head {
            version: of(&[(1, 10), (3, u64::MAX)]),
            horizon: of(&[(3, 4)]),
            floor: Time::new(5),
            present: of(&[(1, 11), (2, 7), (3, u64::MAX)]),
        };
        let mut cells = Tally::default();
        cells.add(-1);
        let stored = StoredHead { head, cells };
        let bytes = stored.encode();
        assert_eq!(StoredHead::decode(&bytes), Some(stored));
        assert_eq!(StoredHead::decode(&bytes[..bytes.len() - 8]), None);
        assert_eq!(StoredHead::decode(&bytes[..bytes.len() - 1]), None);
    }
}
