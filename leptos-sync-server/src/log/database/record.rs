//! The stored form of numbers, and the checksum of every record.
//!
//! A checksum is xxh64 over the fields of a record in column order. A field of variable length is
//! preceded by its length. The seed is the number of the table, so a record of one table is never
//! valid in another.

use xxhash_rust::xxh64::Xxh64;

use crate::error::Error;

/// A checksum in progress.
pub(in crate::log) struct Checksum(Xxh64);

impl Checksum {
    /// Starts the checksum of a record. `table` is the number of its table.
    pub(in crate::log) fn of(table: u64) -> Self {
        Self(Xxh64::new(table))
    }

    pub(in crate::log) fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_le_bytes());
        self
    }

    pub(in crate::log) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub(in crate::log) fn finish(&self) -> i64 {
        self.0.digest().cast_signed()
    }
}

/// Converts a u64 to an SQLite integer, preserving the order.
pub(in crate::log) fn to_sql(number: u64) -> i64 {
    (number ^ (1 << 63)).cast_signed()
}

/// Converts an SQLite integer to a u64. The inverse of [`to_sql`].
pub(in crate::log) fn from_sql(number: i64) -> u64 {
    number.cast_unsigned() ^ (1 << 63)
}

/// Returns the error for a record that is damaged or missing.
pub(in crate::log) fn damaged() -> Error {
    Error::damaged_file("a record is damaged or missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_order() {
        let numbers = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX];
        assert!(numbers.map(to_sql).is_sorted());
        assert_eq!(numbers.map(to_sql).map(from_sql), numbers);
    }
}
