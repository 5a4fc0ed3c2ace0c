//! The audit of a document: a walk over its records that proves that none is missing.
//!
//! A checksum per record reveals a changed record, but not a missing one: a damaged record in a
//! B-tree sends a search the wrong way, even a record of another document in the same page. So the
//! log walks a document once before the first search. The walk checks that all cells and ids are
//! intact, in strict order, and in agreement with their tallies, and that the index lists exactly
//! these cells. It also searches for each record and each index entry. From then on, every search
//! of these pages finds all existing records.
//!
//! Each document is audited once while the file is open. That costs a few microseconds a record.

use rusqlite::{Connection, params};

use super::{
    cells,
    heads::StoredHead,
    ids,
    record::{Table, to_i64},
};
use crate::{
    error::Error,
    log::database::{Checksum, Tally, damaged, fault},
};

/// Audits a document. Returns whether it has enders. O(cells + ids).
pub(super) fn audit(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
) -> Result<bool, Error> {
    let mut has_enders = false;
    let (mut tally, mut listed) = (Tally::default(), Tally::default());
    let mut last = Vec::new();
    cells::each_searched(connection, document, |cell, checksum, is_found| {
        if !is_found || *last >= *cell.path {
            return Err(damaged());
        }
        last.clear();
        last.extend_from_slice(cell.path);
        tally.add(checksum);
        has_enders |= cell.record().is_some();
        listed.add(entry(to_i64(cell.sequence.get()), cell.path));
        Ok(())
    })?;
    let is_intact = tally == stored.cells
        && listed == index(connection, document)?
        && ids::audit(connection, document)? == stored.ids;
    if is_intact {
        Ok(has_enders)
    } else {
        Err(damaged())
    }
}

fn entry(sequence: i64, path: &[u8]) -> i64 {
    Checksum::of(Table::Cells as u64)
        .number(sequence)
        .bytes(path)
        .finish()
}

/// Returns the tally of the index entries. Checks that they are in strict order, and that a search
/// finds each.
fn index(connection: &Connection, document: i64) -> Result<Tally, Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT sequence, path, document,
                 EXISTS (SELECT 1 FROM cells AS searched INDEXED BY cells_by_sequence
                     WHERE searched.document = ?1 AND searched.sequence = cells.sequence
                         AND searched.path = cells.path)
             FROM cells INDEXED BY cells_by_sequence
             WHERE document = ?1 ORDER BY sequence, path",
        )
        .map_err(fault)?;
    let mut rows = query.query(params![document]).map_err(fault)?;
    let mut tally = Tally::default();
    let mut last: Option<(i64, Vec<u8>)> = None;
    while let Some(row) = rows.next().map_err(fault)? {
        let columns = || Ok((row.get(0)?, row.get(1)?));
        let here: (i64, Vec<u8>) = columns().map_err(fault)?;
        let of: i64 = row.get(2).map_err(fault)?;
        let is_found: bool = row.get(3).map_err(fault)?;
        if !is_found || of != document || last.is_some_and(|last| last >= here) {
            return Err(damaged());
        }
        tally.add(entry(here.0, &here.1));
        last = Some(here);
    }
    Ok(tally)
}
