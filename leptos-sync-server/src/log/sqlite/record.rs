//! The stored form of cells.

use leptos_sync_core::{ReplicaId, Stamp, Time};
use rusqlite::Row;

use crate::{
    error::Error,
    log::database::{Checksum, damaged, fault, from_sql, to_sql},
};

/// The number of each table, which seeds its checksums.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Bindings = 1,
    Cells = 2,
    Documents = 3,
    Heads = 4,
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
        let sum = Checksum::of(Table::Cells as u64)
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
}
