//! The metadata of each document, without its cells, ids and earlier epochs.
//!
//! ```text
//! head  = sequence, epoch, start, horizon, floor, latest, cells, ids, epochs, dropped
//! cells = ids = epochs = records, sum                             u64 each, little endian
//! ```

use leptos_sync_core::{
    Time,
    history::{Epoch, Sequence},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::record::Table;
use crate::{
    error::Error,
    log::{
        database::{Checksum, Tally, damaged, fault},
        head::Head,
    },
};

/// A document's head and the tallies of its records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StoredHead {
    pub(super) head: Head,
    pub(super) cells: Tally,
    pub(super) ids: Tally,
    pub(super) epochs: Tally,
    /// Whether earlier epochs were dropped.
    pub(super) dropped: bool,
}

impl StoredHead {
    fn encode(&self) -> Vec<u8> {
        let Self {
            head,
            cells,
            ids,
            epochs,
            dropped,
        } = self;
        let words = [
            head.sequence.get(),
            head.epoch.get(),
            head.epoch_start.get(),
            head.horizon.get(),
            head.floor.get(),
            head.latest.get(),
            cells.records,
            cells.sum,
            ids.records,
            ids.sum,
            epochs.records,
            epochs.sum,
            u64::from(*dropped),
        ];
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let mut words = words.iter().map(|word| u64::from_le_bytes(*word));
        let mut next = || words.next();
        let head = Head {
            sequence: Sequence::new(next()?),
            epoch: Epoch::new(next()?),
            epoch_start: Sequence::new(next()?),
            horizon: Sequence::new(next()?),
            floor: Time::new(next()?),
            latest: Time::new(next()?),
        };
        let mut tally = || {
            let (records, sum) = (next()?, next()?);
            Some(Tally { records, sum })
        };
        let (cells, ids, epochs) = (tally()?, tally()?, tally()?);
        let stored = Self {
            head,
            cells,
            ids,
            epochs,
            dropped: next()? == 1,
        };
        (rest.is_empty() && next().is_none()).then_some(stored)
    }
}

fn checksum(document: i64, head: &[u8]) -> i64 {
    Checksum::of(Table::Heads as u64)
        .number(document)
        .bytes(head)
        .finish()
}

/// Loads the head of a document that is listed.
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

pub(super) fn create(connection: &Connection, document: i64) -> Result<(), Error> {
    let head = StoredHead::default().encode();
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
        let tally = |records| Tally {
            records,
            sum: u64::MAX - records,
        };
        let stored = StoredHead {
            head: Head {
                sequence: Sequence::new(1),
                epoch: Epoch::new(u64::MAX),
                epoch_start: Sequence::new(3),
                horizon: Sequence::new(4),
                floor: Time::new(5),
                latest: Time::new(6),
            },
            cells: tally(7),
            ids: tally(8),
            epochs: tally(9),
            dropped: true,
        };
        let bytes = stored.encode();
        assert_eq!(StoredHead::decode(&bytes), Some(stored));
        assert_eq!(StoredHead::decode(&bytes[..bytes.len() - 8]), None);
        assert_eq!(StoredHead::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(StoredHead::decode(&[&*bytes, &[0; 8]].concat()), None);
    }
}
