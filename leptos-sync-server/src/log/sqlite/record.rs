//! The stored form of cells.

use leptos_sync_core::{
    ReplicaId, Stamp, Time, cells::Path, history::Sequence, internal::record_of_ender,
};
use rusqlite::Row;

use crate::{
    error::Error,
    log::database::{Checksum, damaged, fault, from_sql, to_sql},
};

/// The number of each table, which seeds its checksums. Earlier numbers are those of earlier
/// formats.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Cells = 6,
    Documents = 7,
    Heads = 8,
    Epochs = 9,
    Ids = 10,
    Removed = 11,
    Users = 12,
}

/// A cell of a document.
#[derive(Clone, Copy)]
pub(super) struct Cell<'a> {
    /// The encoded path.
    pub(super) path: &'a [u8],
    pub(super) stamp: Stamp,
    /// The number of the last change.
    pub(super) sequence: Sequence,
    pub(super) content: Content<'a>,
}

/// The value of a cell, or the time in milliseconds when its tombstone was received.
#[derive(Clone, Copy)]
pub(super) enum Content<'a> {
    Value(&'a [u8]),
    Tombstone(i64),
}

impl<'a> Content<'a> {
    pub(super) fn of(value: Option<&'a [u8]>, received_ms: u64) -> Self {
        match value {
            Some(value) => Self::Value(value),
            None => Self::Tombstone(to_i64(received_ms)),
        }
    }

    pub(super) fn value(self) -> Option<&'a [u8]> {
        match self {
            Self::Value(value) => Some(value),
            Self::Tombstone(_) => None,
        }
    }

    pub(super) fn received(self) -> Option<i64> {
        match self {
            Self::Value(_) => None,
            Self::Tombstone(received) => Some(received),
        }
    }
}

impl Cell<'_> {
    pub(super) fn checksum(&self, document: i64) -> i64 {
        let sum = Checksum::of(Table::Cells as u64)
            .number(document)
            .bytes(self.path)
            .number(to_sql(self.stamp.time.get()))
            .number(to_sql(self.stamp.replica.get()))
            .number(to_i64(self.sequence.get()));
        match self.content {
            Content::Value(value) => sum.number(1).bytes(value),
            Content::Tombstone(received) => sum.number(0).number(received),
        }
        .finish()
    }

    /// Returns the path of the record that the cell ends, if it is an ender.
    pub(super) fn record(&self) -> Option<Path<'_>> {
        let path = Path::from_bytes(self.path).ok()?;
        record_of_ender(path).filter(|_| self.content.value().is_none())
    }

    /// Returns the approximate size of the cell in a message.
    pub(super) fn bytes(&self) -> usize {
        self.path.len() + self.content.value().map_or(0, <[u8]>::len) + STAMP_BYTES
    }
}

/// The approximate size of a stamp in a message.
const STAMP_BYTES: usize = 8;

/// The columns that [`cell`] reads, in order.
macro_rules! cell_columns {
    () => {
        "path, time, replica, sequence, received, value, checksum, document"
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
    let time = Time::new(from_sql(number(1)?));
    let received: Option<i64> = row.get(4).map_err(fault)?;
    let cell = Cell {
        path: blob(0)?.ok_or_else(damaged)?,
        stamp: Stamp::new(time, ReplicaId::new(from_sql(number(2)?))),
        sequence: Sequence::new(number(3)?.cast_unsigned()),
        content: match (blob(5)?, received) {
            (Some(value), None) => Content::Value(value),
            (None, Some(received)) => Content::Tombstone(received),
            _ => return Err(damaged()),
        },
    };
    let checksum = number(6)?;
    // A search for one document reads every record up to the next document, including a record
    // whose document number is damaged.
    if number(7)? != document || cell.checksum(document) != checksum {
        return Err(damaged());
    }
    Ok((cell, checksum))
}

/// Converts a small number to an SQLite integer.
pub(super) fn to_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Existing files contain these checksums.
    #[test]
    fn the_checksum_of_a_cell_never_changes() {
        let cell = |value| Cell {
            path: b"\x05cards\x017",
            stamp: Stamp::new(Time::new(1 << 60), ReplicaId::new(3)),
            sequence: Sequence::new(8),
            content: Content::of(value, 9),
        };
        let checksums = [None, Some(&b""[..]), Some(b"milk")].map(|value| cell(value).checksum(4));
        assert_eq!(
            checksums,
            [
                8714408087730308271,
                -8417394485421804807,
                -7340078012293878855
            ]
        );
    }
}
