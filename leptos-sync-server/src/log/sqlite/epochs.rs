//! The epochs in which each document was written.

use leptos_sync_core::{
    history::{Epoch, Epochs, Sequence},
    limits,
};
use rusqlite::{Connection, params};

use super::{
    heads::StoredHead,
    record::{Table, to_i64},
};
use crate::{
    error::Error,
    log::database::{Checksum, Tally, damaged, fault, from_sql, to_sql},
};

fn checksum(document: i64, first: i64, epoch: i64) -> i64 {
    Checksum::of(Table::Epochs as u64)
        .number(document)
        .number(first)
        .number(epoch)
        .finish()
}

/// Loads the epochs of a document. O(epochs).
pub(super) fn load(
    connection: &Connection,
    document: i64,
    stored: &StoredHead,
) -> Result<Epochs, Error> {
    let mut tally = Tally::default();
    let mut list = Vec::new();
    each(connection, document, |first, epoch, checksum| {
        tally.add(checksum);
        let first = Sequence::new(first.cast_unsigned());
        list.push((Epoch::new(from_sql(epoch)), first));
        true
    })?;
    if tally != stored.epochs {
        return Err(damaged());
    }
    Epochs::from_list(list, stored.dropped).map_err(|_| damaged())
}

/// Records that a document enters its current epoch. Drops the first epoch if there are too many.
pub(super) fn begin(
    connection: &Connection,
    document: i64,
    stored: &mut StoredHead,
) -> Result<(), Error> {
    let first = to_i64(stored.head.epoch_start.get());
    let epoch = to_sql(stored.head.epoch.get());
    let sum = checksum(document, first, epoch);
    connection
        .prepare_cached("INSERT INTO epochs VALUES (?1, ?2, ?3, ?4)")
        .and_then(|mut insert| insert.execute(params![document, first, epoch, sum]))
        .map_err(fault)?;
    stored.epochs.add(sum);
    if stored.epochs.records <= limits::EPOCHS as u64 {
        return Ok(());
    }
    let mut oldest = None;
    each(connection, document, |first, _, checksum| {
        oldest = Some((first, checksum));
        false
    })?;
    let (first, sum) = oldest.ok_or_else(damaged)?;
    connection
        .prepare_cached("DELETE FROM epochs WHERE document = ?1 AND first = ?2")
        .and_then(|mut delete| delete.execute(params![document, first]))
        .map_err(fault)?;
    stored.epochs.remove(sum);
    stored.dropped = true;
    Ok(())
}

/// Passes each epoch, as its first number, its value and its checksum, to `work` in order, until
/// `work` returns false.
fn each(
    connection: &Connection,
    document: i64,
    mut work: impl FnMut(i64, i64, i64) -> bool,
) -> Result<(), Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT first, epoch, checksum FROM epochs WHERE document = ?1 ORDER BY first",
        )
        .map_err(fault)?;
    let mut rows = query.query([document]).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let columns = || Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let (first, epoch, sum): (i64, i64, i64) = columns().map_err(fault)?;
        if sum != checksum(document, first, epoch) {
            return Err(damaged());
        }
        if !work(first, epoch, sum) {
            break;
        }
    }
    Ok(())
}
