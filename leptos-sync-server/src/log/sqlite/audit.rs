//! The audit of a document: a walk over its records that proves that none is missing.
//!
//! A checksum per record reveals a changed record, but not a missing one: a damaged inner node of a
//! B-tree sends a search the wrong way. So the log walks a document once before the first search.
//! The walk checks that all records are intact, in strict order, and in agreement with their tally,
//! and that the index lists exactly these records. From then on, every search of these pages finds
//! all existing records.
//!
//! Each document is audited once while the file is open. That costs a few microseconds a cell.

use rusqlite::{Connection, params};

use super::{
    cells,
    heads::StoredHead,
    record::{Cell, Table},
};
use crate::{
    error::Error,
    log::database::{Checksum, Tally, damaged, fault, to_sql},
};

/// Audits a document. O(cells).
pub(super) fn audit(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
) -> Result<(), Error> {
    let mut count = Count::default();
    let mut listed = Tally::default();
    cells::each(connection, document, |cell, checksum| {
        let time = to_sql(cell.stamp.time.get());
        let replica = to_sql(cell.stamp.replica.get());
        listed.add(entry(replica, time, cell.parent, cell.key));
        count.add(cell, checksum)?;
        Ok(true)
    })?;
    if count.tally != stored.cells || listed != index(connection, document)? {
        return Err(damaged());
    }
    Ok(())
}

/// Tallies cells and checks their order.
#[derive(Default)]
pub(super) struct Count {
    pub(super) tally: Tally,
    parent: Vec<u8>,
    key: Vec<u8>,
}

impl Count {
    pub(super) fn add(&mut self, cell: Cell<'_>, checksum: i64) -> Result<(), Error> {
        let last = (&*self.parent, &*self.key);
        if self.tally.records > 0 && last >= (cell.parent, cell.key) {
            return Err(damaged());
        }
        for (to, from) in [(&mut self.parent, cell.parent), (&mut self.key, cell.key)] {
            to.clear();
            to.extend_from_slice(from);
        }
        self.tally.add(checksum);
        Ok(())
    }
}

fn entry(replica: i64, time: i64, parent: &[u8], key: &[u8]) -> i64 {
    Checksum::of(Table::Cells as u64)
        .number(replica)
        .number(time)
        .bytes(parent)
        .bytes(key)
        .finish()
}

/// Returns the tally of the index entries, and checks that they are in strict order.
fn index(connection: &Connection, document: i64) -> Result<Tally, Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT replica, time, parent, key, document FROM cells INDEXED BY cells_by_time
             WHERE document = ?1 ORDER BY replica, time, parent, key",
        )
        .map_err(fault)?;
    let mut rows = query.query(params![document]).map_err(fault)?;
    let mut tally = Tally::default();
    let mut last: Option<(i64, i64, Vec<u8>, Vec<u8>)> = None;
    while let Some(row) = rows.next().map_err(fault)? {
        let columns = || Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?));
        let here: (i64, i64, Vec<u8>, Vec<u8>) = columns().map_err(fault)?;
        let of: i64 = row.get(4).map_err(fault)?;
        if of != document || last.is_some_and(|last| last >= here) {
            return Err(damaged());
        }
        tally.add(entry(here.0, here.1, &here.2, &here.3));
        last = Some(here);
    }
    Ok(tally)
}
