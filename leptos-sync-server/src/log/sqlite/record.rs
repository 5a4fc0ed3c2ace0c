//! The stored form of stamps and cells, and the checksum of every record.
//!
//! A checksum is xxh64 over the fields of a record in column order. The length of a field precedes
//! it if it varies. The seed is the number of the table, so a record of one table is never valid in
//! another.

use leptos_sync_core::{ReplicaId, Stamp, Time};
use rusqlite::Row;
use xxhash_rust::xxh64::Xxh64;

use super::fault::fault;
use crate::error::Error;

/// The number of each table, which seeds its checksums.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Bindings = 1,
    Cells = 2,
    Documents = 3,
    Heads = 4,
    Tallies = 5,
}

/// A checksum in progress.
pub(super) struct Checksum(Xxh64);

impl Checksum {
    pub(super) fn of(table: Table) -> Self {
        Self(Xxh64::new(table as u64))
    }

    pub(super) fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(super) fn finish(&self) -> i64 {
        self.0.digest().cast_signed()
    }
}

/// Converts a u64 to an SQLite integer, preserving the order.
pub(super) fn to_sql(number: u64) -> i64 {
    (number ^ (1 << 63)).cast_signed()
}

/// Converts an SQLite integer to a u64. The inverse of [`to_sql`].
pub(super) fn from_sql(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}

/// A cell of a document.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    pub(super) parent: &'a [u8],
    pub(super) key: &'a [u8],
    pub(super) stamp: Stamp,
    pub(super) value: Option<&'a [u8]>,
}

impl Cell<'_> {
    pub(super) fn checksum(&self, document: i64) -> i64 {
        let sum = Checksum::of(Table::Cells)
            .number(document)
            .bytes(self.parent)
            .bytes(self.key)
            .number(to_sql(self.stamp.time.get()))
            .number(to_sql(self.stamp.replica.get()));
        match self.value {
            Some(value) => sum.number(1).bytes(value),
            None => sum.number(0),
        }
        .finish()
    }

    pub(super) fn bytes(&self) -> usize {
        self.parent.len() + self.key.len() + self.value.map_or(0, <[u8]>::len)
    }
}

/// The columns that [`cell`] reads, in order.
macro_rules! cell_columns {
    () => {
        "parent, key, time, replica, value, checksum, document"
    };
}
pub(super) use cell_columns;

/// Reads the cell in a row of these columns, and verifies its checksum.
pub(super) fn cell<'a>(document: i64, row: &'a Row<'_>) -> Result<(Cell<'a>, i64), Error> {
    let blob = |at: usize| -> Result<Option<&'a [u8]>, Error> {
        let value = row.get_ref(at).map_err(fault)?;
        // No build has ever written another type here, so it is damage.
        value.as_blob_or_null().map_err(|_| damaged())
    };
    let number = |at: usize| row.get::<_, i64>(at).map_err(fault);
    let time = Time::new(from_sql(number(2)?));
    let cell = Cell {
        parent: blob(0)?.ok_or_else(damaged)?,
        key: blob(1)?.ok_or_else(damaged)?,
        stamp: Stamp::new(time, ReplicaId::new(from_sql(number(3)?))),
        value: blob(4)?,
    };
    let checksum = number(5)?;
    // A search for one document reads every record up to the next document, including a record
    // whose document number is damaged.
    if number(6)? != document || cell.checksum(document) != checksum {
        return Err(damaged());
    }
    Ok((cell, checksum))
}

/// Returns the error for a record that is damaged or missing.
pub(super) fn damaged() -> Error {
    Error::damaged_file("a record is damaged or missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Existing files contain these checksums.
    #[test]
    fn the_checksum_of_a_cell_never_changes() {
        let cell = |value| Cell {
            parent: b"\x05cards",
            key: b"7",
            stamp: Stamp::new(Time::new(1 << 60), ReplicaId::new(3)),
            value,
        };
        let checksums = [None, Some(&b""[..]), Some(b"milk")].map(|value| cell(value).checksum(4));
        assert_eq!(
            checksums,
            [
                -239839580872085612,
                -7522669997807465165,
                -6798999696676040156
            ]
        );
    }

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX];
        assert!(numbers.map(to_sql).is_sorted());
        assert_eq!(numbers.map(to_sql).map(from_sql), numbers);
    }
}
