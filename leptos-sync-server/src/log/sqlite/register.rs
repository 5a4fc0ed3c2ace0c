//! The register of documents, which maps each name to the number in the document's records.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    fault::fault,
    heads::{self, StoredHead},
    record::{Checksum, Table, damaged},
    tally::{self, Tallied, Tally},
};
use crate::error::Error;

fn checksum(name: &[u8], id: i64) -> i64 {
    Checksum::of(Table::Documents)
        .bytes(name)
        .number(id)
        .finish()
}

/// Returns the number of a document, or `None` if it does not exist.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<i64>, Error> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("SELECT id, checksum FROM documents WHERE name = ?1")
        .and_then(|mut query| {
            query
                .query_row([name.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(fault)?;
    match found {
        Some((id, sum)) if sum == checksum(name.as_bytes(), id) => Ok(Some(id)),
        Some(_) => Err(damaged()),
        None => Ok(None),
    }
}

/// Returns whether a record with this name exists, intact or damaged.
pub(super) fn has(connection: &Connection, name: &str) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM documents WHERE name = ?1")
        .and_then(|mut query| query.exists([name.as_bytes()]))
        .map_err(fault)
}

/// Lists up to `most` names after `after`, in byte order.
///
/// Skips damaged records, even if they are out of order. So each name is greater than the one
/// before, and a walk over all pages ends.
pub(super) fn list(
    connection: &Connection,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<String>, Error> {
    // Start at the least name greater than `after`.
    let from = after.map_or_else(Vec::new, |after| [after.as_bytes(), &[0]].concat());
    let mut query = connection
        .prepare_cached("SELECT name, id, checksum FROM documents WHERE name >= ?1 ORDER BY name")
        .map_err(fault)?;
    let mut rows = query.query([&*from]).map_err(fault)?;
    let mut names: Vec<String> = Vec::new();
    while names.len() < most
        && let Some(row) = rows.next().map_err(fault)?
    {
        let columns = || Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get(2)?));
        let Ok((name, id, sum)): Result<(Vec<u8>, i64, i64), _> = columns() else {
            continue;
        };
        let rises = match names.last() {
            Some(last) => *name > *last.as_bytes(),
            None => name >= from,
        };
        if rises && sum == checksum(&name, id) {
            names.extend(String::from_utf8(name).ok());
        }
    }
    Ok(names)
}

/// Creates a document without cells. The name must be unused.
pub(super) fn create(connection: &Connection, name: &str) -> Result<i64, Error> {
    let mut stored = tally::load(connection, Tallied::Documents)?;
    let id = stored.next;
    let sum = checksum(name.as_bytes(), id);
    connection
        .prepare_cached("INSERT INTO documents VALUES (?1, ?2, ?3)")
        .and_then(|mut insert| insert.execute(params![name.as_bytes(), id, sum]))
        .map_err(fault)?;
    stored.next += 1;
    stored.tally.add(sum);
    tally::store(connection, Tallied::Documents, stored)?;
    heads::create(connection, id, &StoredHead::default())?;
    Ok(id)
}

/// Removes a document from the register, even if it is damaged. Its cells stay under a number that
/// is never reused. Returns that number if it is known.
pub(super) fn remove(connection: &Connection, name: &str) -> Result<Option<i64>, Error> {
    let found: Option<(i64, i64)> = connection
        .prepare_cached("DELETE FROM documents WHERE name = ?1 RETURNING id, checksum")
        .and_then(|mut delete| {
            delete
                .query_row([name.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .map_err(fault)?;
    let Some((id, sum)) = found else {
        return Ok(None);
    };
    let mut stored = tally::load(connection, Tallied::Documents)?;
    if sum != checksum(name.as_bytes(), id) {
        // The original record is unknown. If it was the only damaged one, the tally of the others
        // is the new tally.
        if let Some(rest) = walk(connection, stored.next)?
            && rest.records.checked_add(1) == Some(stored.tally.records)
        {
            stored.tally = rest;
            tally::store(connection, Tallied::Documents, stored)?;
        }
        // A damaged number may be that of another document, so keep the records with this number.
        return Ok(None);
    }
    stored.tally.remove(sum);
    tally::store(connection, Tallied::Documents, stored)?;
    connection
        .prepare_cached("DELETE FROM heads WHERE document = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .map_err(fault)?;
    connection
        .prepare_cached("INSERT INTO removed VALUES (?1)")
        .and_then(|mut insert| insert.execute([id]))
        .map_err(fault)?;
    Ok(Some(id))
}

/// Returns whether every document can be found by its name: all records are intact, in order, and
/// as many as the tally says. O(documents).
pub(super) fn is_intact(connection: &Connection) -> Result<bool, Error> {
    let stored = tally::load(connection, Tallied::Documents)?;
    Ok(walk(connection, stored.next)? == Some(stored.tally))
}

/// Returns the tally of all records, or `None` if one is damaged or out of order.
fn walk(connection: &Connection, next: i64) -> Result<Option<Tally>, Error> {
    let mut query = connection
        .prepare("SELECT name, id, checksum FROM documents ORDER BY name")
        .map_err(fault)?;
    let mut rows = query.query([]).map_err(fault)?;
    let (mut tally, mut last): (Tally, Option<Vec<u8>>) = Default::default();
    while let Some(row) = rows.next().map_err(fault)? {
        let name: Vec<u8> = row.get(0).map_err(fault)?;
        let (id, sum): (i64, i64) = (row.get(1).map_err(fault)?, row.get(2).map_err(fault)?);
        if sum != checksum(&name, id) || id >= next || last.is_some_and(|last| last >= name) {
            return Ok(None);
        }
        tally.add(sum);
        last = Some(name);
    }
    Ok(Some(tally))
}
