//! The cells of all documents.

use leptos_sync_core::{Delta, VersionVector};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::record::{Cell, cell, cell_columns};
use crate::{
    error::Error,
    limits,
    log::database::{Tally, damaged, fault, to_sql},
};

/// Joins the cells of a delta that `seen` does not contain.
///
/// Takes two look-ups per cell. The first one reads the stored cell, which may be greater and whose
/// checksum must be subtracted from the tally.
pub(super) fn join(
    connection: &Connection,
    document: i64,
    delta: &Delta,
    seen: &VersionVector,
    tally: &mut Tally,
) -> Result<(), Error> {
    for group in delta.cells().groups() {
        for joined in group.cells() {
            if seen.contains(joined.stamp) {
                continue;
            }
            let joined = Cell {
                parent: group.parent().as_bytes(),
                key: joined.key,
                stamp: joined.stamp,
                value: joined.value,
            };
            take(connection, document, joined, tally)?;
        }
    }
    Ok(())
}

fn take(
    connection: &Connection,
    document: i64,
    joined: Cell<'_>,
    tally: &mut Tally,
) -> Result<(), Error> {
    let mut query = connection
        .prepare_cached(concat!(
            "SELECT ",
            cell_columns!(),
            " FROM cells WHERE document = ?1 AND parent = ?2 AND key = ?3"
        ))
        .map_err(fault)?;
    let here = params![document, joined.parent, joined.key];
    let mut rows = query.query(here).map_err(fault)?;
    if let Some(row) = rows.next().map_err(fault)? {
        let (ours, checksum) = cell(document, row)?;
        if (ours.stamp, ours.value) >= (joined.stamp, joined.value) {
            return Ok(());
        }
        tally.remove(checksum);
    }
    drop(rows);
    let checksum = joined.checksum(document);
    tally.add(checksum);
    connection
        .prepare_cached(
            "INSERT INTO cells (document, parent, key, time, replica, value, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (document, parent, key) DO UPDATE SET
                 time = excluded.time, replica = excluded.replica, value = excluded.value,
                 checksum = excluded.checksum",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                document,
                joined.parent,
                joined.key,
                to_sql(joined.stamp.time.get()),
                to_sql(joined.stamp.replica.get()),
                joined.value,
                checksum
            ])
        })
        .map_err(fault)?;
    Ok(())
}

/// Passes each cell of a document with its checksum to `work`, ordered by parent and key, until
/// `work` returns false.
pub(super) fn each(
    connection: &Connection,
    document: i64,
    work: impl FnMut(Cell<'_>, i64) -> Result<bool, Error>,
) -> Result<(), Error> {
    let query = concat!(
        "SELECT ",
        cell_columns!(),
        " FROM cells WHERE document = ?1 ORDER BY parent, key"
    );
    walk(connection, document, query, params![document], work)
}

/// Passes the cells beyond `version` to `work`, for each replica in `present`, until `work` returns
/// false.
pub(super) fn beyond(
    connection: &Connection,
    document: i64,
    version: &VersionVector,
    present: &VersionVector,
    mut work: impl FnMut(Cell<'_>) -> bool,
) -> Result<(), Error> {
    let query = concat!(
        "SELECT ",
        cell_columns!(),
        " FROM cells INDEXED BY cells_by_time WHERE document = ?1 AND replica = ?2 AND time > ?3"
    );
    for (replica, _) in present.beyond(version).iter() {
        let known = to_sql(version.get(replica).get());
        let mut more = true;
        walk(
            connection,
            document,
            query,
            params![document, to_sql(replica.get()), known],
            |cell, _| {
                more = work(cell);
                Ok(more)
            },
        )?;
        if !more {
            break;
        }
    }
    Ok(())
}

/// Removes tombstones that `stable` contains, at most [`limits::STEP_CELLS`]. Returns whether there
/// may be more.
pub(super) fn forget(
    connection: &Connection,
    document: i64,
    stable: &VersionVector,
    tally: &mut Tally,
) -> Result<bool, Error> {
    let query = concat!(
        "SELECT ",
        cell_columns!(),
        " FROM cells INDEXED BY tombstones
         WHERE document = ?1 AND replica = ?2 AND time <= ?3 AND value IS NULL"
    );
    let mut gone = Vec::new();
    for (replica, time) in stable.iter() {
        let known = params![document, to_sql(replica.get()), to_sql(time.get())];
        walk(connection, document, query, known, |cell, checksum| {
            gone.push((cell.parent.to_vec(), cell.key.to_vec(), checksum));
            Ok(gone.len() < limits::STEP_CELLS)
        })?;
        if gone.len() >= limits::STEP_CELLS {
            break;
        }
    }
    for (parent, key, checksum) in &gone {
        if delete(connection, document, parent, key)? != 1 {
            return Err(damaged());
        }
        tally.remove(*checksum);
    }
    Ok(gone.len() >= limits::STEP_CELLS)
}

/// Removes cells of a document that was removed from the register, at most [`limits::STEP_CELLS`].
/// Returns whether there may be more.
pub(super) fn clear(connection: &Connection, document: i64) -> Result<bool, Error> {
    let keys: Vec<(Vec<u8>, Vec<u8>)> = connection
        .prepare_cached("SELECT parent, key FROM cells WHERE document = ?1 LIMIT ?2")
        .and_then(|mut query| {
            let limit = limits::STEP_CELLS as i64;
            let keys = query.query_map(params![document, limit], |row| {
                Ok((row.get(0)?, row.get(1)?))
            });
            keys?.collect()
        })
        .map_err(fault)?;
    // Delete each record by its full key, since a damaged record may belong to another document.
    let mut removed = 0;
    for (parent, key) in &keys {
        removed += delete(connection, document, parent, key)?;
    }
    if keys.len() == limits::STEP_CELLS && removed > 0 {
        return Ok(true);
    }
    connection
        .prepare_cached("DELETE FROM removed WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document]))
        .map_err(fault)?;
    Ok(false)
}

fn delete(
    connection: &Connection,
    document: i64,
    parent: &[u8],
    key: &[u8],
) -> Result<usize, Error> {
    connection
        .prepare_cached("DELETE FROM cells WHERE document = ?1 AND parent = ?2 AND key = ?3")
        .and_then(|mut delete| delete.execute(params![document, parent, key]))
        .map_err(fault)
}

/// Returns a removed document that may still have cells.
pub(super) fn to_clear(connection: &Connection) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached("SELECT document FROM removed LIMIT 1")
        .and_then(|mut query| query.query_row([], |row| row.get(0)).optional())
        .map_err(fault)
}

fn walk(
    connection: &Connection,
    document: i64,
    query: &str,
    of: impl Params,
    mut work: impl FnMut(Cell<'_>, i64) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut query = connection.prepare_cached(query).map_err(fault)?;
    let mut rows = query.query(of).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let (cell, checksum) = cell(document, row)?;
        if !work(cell, checksum)? {
            break;
        }
    }
    Ok(())
}
