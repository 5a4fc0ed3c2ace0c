//! Tallies: the number of records in a set and the sum of their checksums. With them, a walk over a
//! table detects not only changed records but also missing ones.

use rusqlite::{Connection, params};

use super::{
    fault::fault,
    record::{Checksum, Table, damaged},
};
use crate::error::Error;

/// The tally of a set of records. A document's head holds the tally of its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) records: u64,
    /// The sum of the checksums, modulo 2⁶⁴.
    pub(super) sum: u64,
}

impl Tally {
    pub(super) fn add(&mut self, checksum: i64) {
        self.records = self.records.wrapping_add(1);
        self.sum = self.sum.wrapping_add(checksum.cast_unsigned());
    }

    pub(super) fn remove(&mut self, checksum: i64) {
        self.records = self.records.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(checksum.cast_unsigned());
    }
}

/// A table with its own tally.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tallied {
    Bindings,
    Documents,
}

impl Tallied {
    fn name(self) -> &'static str {
        match self {
            Self::Bindings => "bindings",
            Self::Documents => "documents",
        }
    }
}

/// The tally of a table, and the number of its next record if its records are numbered.
#[derive(Clone, Copy, Default)]
pub(super) struct Stored {
    pub(super) tally: Tally,
    pub(super) next: i64,
}

impl Stored {
    fn checksum(self, of: Tallied) -> i64 {
        Checksum::of(Table::Tallies)
            .bytes(of.name().as_bytes())
            .number(self.tally.records.cast_signed())
            .number(self.tally.sum.cast_signed())
            .number(self.next)
            .finish()
    }
}

/// Creates the tallies of empty tables.
pub(super) fn create(connection: &Connection) -> Result<(), Error> {
    for of in [Tallied::Bindings, Tallied::Documents] {
        let sum = Stored::default().checksum(of);
        connection
            .prepare_cached("INSERT INTO tallies VALUES (?1, 0, 0, 0, ?2)")
            .and_then(|mut insert| insert.execute(params![of.name(), sum]))
            .map_err(fault)?;
    }
    Ok(())
}

pub(super) fn load(connection: &Connection, of: Tallied) -> Result<Stored, Error> {
    let (records, sum, next, checksum): (i64, i64, i64, i64) = connection
        .prepare_cached("SELECT records, sum, next, checksum FROM tallies WHERE name = ?1")
        .and_then(|mut query| {
            query.query_row([of.name()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
        })
        .map_err(fault)?;
    let tally = Tally {
        records: records.cast_unsigned(),
        sum: sum.cast_unsigned(),
    };
    let stored = Stored { tally, next };
    if stored.checksum(of) != checksum {
        return Err(damaged());
    }
    Ok(stored)
}

pub(super) fn store(connection: &Connection, of: Tallied, stored: Stored) -> Result<(), Error> {
    let Tally { records, sum } = stored.tally;
    let changed = connection
        .prepare_cached(
            "UPDATE tallies SET records = ?2, sum = ?3, next = ?4, checksum = ?5 WHERE name = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                of.name(),
                records.cast_signed(),
                sum.cast_signed(),
                stored.next,
                stored.checksum(of)
            ])
        })
        .map_err(fault)?;
    if changed == 1 { Ok(()) } else { Err(damaged()) }
}
