//! Tallies: the number of records in a set and the sum of their checksums. With them, a walk over a
//! table detects not only changed records but also missing ones.

use rusqlite::{Connection, params};

use super::{
    fault::fault,
    record::{Checksum, damaged},
};
use crate::error::Error;

/// The number of the table, which seeds its checksums.
const TABLE: u64 = 5;

/// The tally of a set of records. A document's head holds the tally of its cells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::log) struct Tally {
    pub(in crate::log) records: u64,
    /// The sum of the checksums, modulo 2⁶⁴.
    pub(in crate::log) sum: u64,
}

impl Tally {
    pub(in crate::log) fn add(&mut self, checksum: i64) {
        self.records = self.records.wrapping_add(1);
        self.sum = self.sum.wrapping_add(checksum.cast_unsigned());
    }

    pub(in crate::log) fn remove(&mut self, checksum: i64) {
        self.records = self.records.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(checksum.cast_unsigned());
    }
}

/// The tally of a table, and the number of its next record if its records are numbered.
#[derive(Clone, Copy, Default)]
pub(in crate::log) struct StoredTally {
    pub(in crate::log) tally: Tally,
    pub(in crate::log) next: i64,
}

impl StoredTally {
    fn checksum(self, table: &str) -> i64 {
        Checksum::of(TABLE)
            .bytes(table.as_bytes())
            .number(self.tally.records.cast_signed())
            .number(self.tally.sum.cast_signed())
            .number(self.next)
            .finish()
    }

    pub(in crate::log) fn load(connection: &Connection, table: &str) -> Result<Self, Error> {
        let (records, sum, next, checksum): (i64, i64, i64, i64) = connection
            .prepare_cached("SELECT records, sum, next, checksum FROM tallies WHERE name = ?1")
            .and_then(|mut query| {
                query.query_row([table], |row| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
                })
            })
            .map_err(fault)?;
        let tally = Tally {
            records: records.cast_unsigned(),
            sum: sum.cast_unsigned(),
        };
        let stored = Self { tally, next };
        if stored.checksum(table) != checksum {
            return Err(damaged());
        }
        Ok(stored)
    }

    pub(in crate::log) fn store(self, connection: &Connection, table: &str) -> Result<(), Error> {
        let Tally { records, sum } = self.tally;
        let changed = connection
        .prepare_cached(
            "UPDATE tallies SET records = ?2, sum = ?3, next = ?4, checksum = ?5 WHERE name = ?1",
        )
        .and_then(|mut update| {
            update.execute(params![
                table,
                records.cast_signed(),
                sum.cast_signed(),
                self.next,
                self.checksum(table)
            ])
        })
        .map_err(fault)?;
        if changed == 1 { Ok(()) } else { Err(damaged()) }
    }
}

/// Creates the tallies of empty tables.
pub(super) fn create(connection: &Connection, tables: &[&str]) -> Result<(), Error> {
    for table in tables {
        let sum = StoredTally::default().checksum(table);
        connection
            .prepare_cached("INSERT INTO tallies VALUES (?1, 0, 0, 0, ?2)")
            .and_then(|mut insert| insert.execute(params![table, sum]))
            .map_err(fault)?;
    }
    Ok(())
}
