//! The cells of all documents.

use leptos_sync_core::{Stamp, Time, cells::Path, history::Sequence, internal as containment};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{
    heads::StoredHead,
    record::{Cell, cell, cell_columns, to_i64},
};
use crate::{
    error::Error,
    limits,
    log::database::{Tally, damaged, fault, to_sql},
};

/// The cells after a path.
const AFTER_PATH: &str = concat!(
    "SELECT ",
    cell_columns!(),
    " FROM cells WHERE document = ?1 AND path > ?2 ORDER BY path"
);

/// The cells from a path on.
const FROM_PATH: &str = concat!(
    "SELECT ",
    cell_columns!(),
    " FROM cells WHERE document = ?1 AND path >= ?2 ORDER BY path"
);

/// The cells that changed after a number.
const AFTER_SEQUENCE: &str = concat!(
    "SELECT ",
    cell_columns!(),
    " FROM cells INDEXED BY cells_by_sequence
     WHERE document = ?1 AND sequence > ?2 ORDER BY sequence"
);

/// All cells, each with the checksum of the cell that a search for its path finds.
const EACH_SEARCHED: &str = concat!(
    "SELECT ",
    cell_columns!(),
    ", (SELECT searched.checksum FROM cells AS searched
         WHERE searched.document = ?1 AND searched.path = cells.path)
     FROM cells WHERE document = ?1 ORDER BY path"
);

/// The column of that checksum.
const SEARCHED: usize = 8;

/// The tombstones that were received before a time and are stamped before another one.
const AGED: &str = concat!(
    "SELECT ",
    cell_columns!(),
    " FROM cells INDEXED BY tombstones
     WHERE document = ?1 AND received < ?2 AND time < ?3 AND value IS NULL"
);

/// The result of comparing a cell with the one at its path and with the enders above it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// The stored cell is equal or greater, or an ender ends the new one.
    Loses,
    /// The stored cell has this checksum.
    Replaces(i64),
    /// There is no cell.
    New,
}

/// Compares a cell with the one at its path, whose checksum it verifies.
pub(super) fn compare(
    connection: &Connection,
    document: i64,
    new: &Cell<'_>,
) -> Result<Comparison, Error> {
    let query = concat!(
        "SELECT ",
        cell_columns!(),
        " FROM cells WHERE document = ?1 AND path = ?2"
    );
    let mut found = Comparison::New;
    walk(
        connection,
        document,
        query,
        params![document, new.path],
        |old, checksum| {
            let loses = (old.stamp, old.content.value()) >= (new.stamp, new.content.value());
            found = if loses {
                Comparison::Loses
            } else {
                Comparison::Replaces(checksum)
            };
            Ok(false)
        },
    )?;
    Ok(found)
}

/// Stores a cell that does not lose.
pub(super) fn store(
    connection: &Connection,
    document: i64,
    new: &Cell<'_>,
    compared: Comparison,
    tally: &mut Tally,
) -> Result<(), Error> {
    if let Comparison::Replaces(checksum) = compared {
        tally.remove(checksum);
    }
    let checksum = new.checksum(document);
    tally.add(checksum);
    connection
        .prepare_cached(
            "INSERT INTO cells
                 (document, path, time, replica, sequence, received, value, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (document, path) DO UPDATE SET
                 time = excluded.time, replica = excluded.replica, sequence = excluded.sequence,
                 received = excluded.received, value = excluded.value,
                 checksum = excluded.checksum",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                document,
                new.path,
                to_sql(new.stamp.time.get()),
                to_sql(new.stamp.replica.get()),
                to_i64(new.sequence.get()),
                new.content.received(),
                new.content.value(),
                checksum
            ])
        })
        .map_err(fault)?;
    Ok(())
}

/// Returns whether an ender above a path is later than a stamp.
pub(super) fn is_ended(
    connection: &Connection,
    document: i64,
    path: &[u8],
    stamp: Stamp,
) -> Result<bool, Error> {
    let query = concat!(
        "SELECT ",
        cell_columns!(),
        " FROM cells WHERE document = ?1 AND path = ?2"
    );
    let mut failed = Ok(());
    let is_ended = containment::is_ended(Path::from_bytes(path)?, stamp, &mut |ender| {
        let mut found = None;
        let of = params![document, ender.as_path().as_bytes()];
        let walked = walk(connection, document, query, of, |ender, _| {
            found = Some(ender.stamp);
            Ok(false)
        });
        if let Err(error) = walked {
            failed = Err(error);
        }
        found
    });
    failed.map(|()| is_ended)
}

/// Removes the cells at and below a record that are older than `end`.
pub(super) fn end(
    connection: &Connection,
    document: i64,
    record: Path<'_>,
    end: Stamp,
    tally: &mut Tally,
) -> Result<(), Error> {
    let mut from = record.as_bytes().to_vec();
    loop {
        let (mut gone, mut next) = (Vec::new(), None);
        walk(
            connection,
            document,
            FROM_PATH,
            params![document, from],
            |cell, checksum| {
                if !cell.path.starts_with(record.as_bytes()) {
                    return Ok(false);
                }
                if gone.len() >= limits::STEP_CELLS {
                    next = Some(cell.path.to_vec());
                    return Ok(false);
                }
                if cell.stamp < end {
                    gone.push((cell.path.to_vec(), checksum));
                }
                Ok(true)
            },
        )?;
        for (path, checksum) in &gone {
            if delete(connection, document, path)? != 1 {
                return Err(damaged());
            }
            tally.remove(*checksum);
        }
        match next {
            Some(next) => from = next,
            None => return Ok(()),
        }
    }
}

/// Returns whether a document has a cell at a path. The document must have been audited.
pub(super) fn has(connection: &Connection, document: i64, path: &[u8]) -> Result<bool, Error> {
    connection
        .prepare_cached("SELECT 1 FROM cells WHERE document = ?1 AND path = ?2")
        .and_then(|mut query| query.exists(params![document, path]))
        .map_err(fault)
}

/// Passes each cell with its checksum to `work`, in the order of paths, and whether a search for
/// its path finds it.
pub(super) fn each_searched(
    connection: &Connection,
    document: i64,
    mut work: impl FnMut(Cell<'_>, i64, bool) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut query = connection.prepare_cached(EACH_SEARCHED).map_err(fault)?;
    let mut rows = query.query([document]).map_err(fault)?;
    while let Some(row) = rows.next().map_err(fault)? {
        let (cell, checksum) = cell(document, row)?;
        let found: Option<i64> = row.get(SEARCHED).map_err(fault)?;
        work(cell, checksum, found == Some(checksum))?;
    }
    Ok(())
}

/// Passes the cells after a path with their checksums to `work`, in the order of paths, until
/// `work` returns false.
pub(super) fn after_path(
    connection: &Connection,
    document: i64,
    after: Option<&[u8]>,
    work: impl FnMut(Cell<'_>, i64) -> Result<bool, Error>,
) -> Result<(), Error> {
    // No cell is at the root, whose path is empty.
    let of = params![document, after.unwrap_or_default()];
    walk(connection, document, AFTER_PATH, of, work)
}

/// Passes the cells that changed after a number with their checksums to `work`, in the order of
/// numbers, until `work` returns false.
pub(super) fn after_sequence(
    connection: &Connection,
    document: i64,
    after: Sequence,
    work: impl FnMut(Cell<'_>, i64) -> Result<bool, Error>,
) -> Result<(), Error> {
    let of = params![document, to_i64(after.get())];
    walk(connection, document, AFTER_SEQUENCE, of, work)
}

/// Returns whether there are tombstones below a floor that were received before a time.
pub(super) fn has_aged(
    connection: &Connection,
    document: i64,
    floor: Time,
    received_before_ms: u64,
) -> Result<bool, Error> {
    let of = params![document, to_i64(received_before_ms), to_sql(floor.get())];
    let mut found = false;
    walk(connection, document, AGED, of, |_, _| {
        found = true;
        Ok(false)
    })?;
    Ok(found)
}

/// Removes tombstones below the floor that were received before a time, at most
/// [`limits::STEP_CELLS`], and raises the horizon. Returns whether there may be more.
pub(super) fn forget(
    connection: &Connection,
    document: i64,
    stored: &mut StoredHead,
    received_before_ms: u64,
) -> Result<bool, Error> {
    let floor = to_sql(stored.head.floor.get());
    let of = params![document, to_i64(received_before_ms), floor];
    let mut gone = Vec::new();
    walk(connection, document, AGED, of, |cell, checksum| {
        gone.push((cell.path.to_vec(), cell.sequence, checksum));
        Ok(gone.len() < limits::STEP_CELLS)
    })?;
    for (path, sequence, checksum) in &gone {
        if delete(connection, document, path)? != 1 {
            return Err(damaged());
        }
        stored.cells.remove(*checksum);
        stored.head.forget(*sequence);
    }
    Ok(gone.len() >= limits::STEP_CELLS)
}

/// Removes cells of a removed document, at most [`limits::STEP_CELLS`]. Returns the number of
/// cells.
pub(super) fn clear(connection: &Connection, document: i64) -> Result<usize, Error> {
    let paths: Vec<Vec<u8>> = connection
        .prepare_cached("SELECT path FROM cells WHERE document = ?1 LIMIT ?2")
        .and_then(|mut query| {
            let limit = limits::STEP_CELLS as i64;
            let paths = query.query_map(params![document, limit], |row| row.get(0));
            paths?.collect()
        })
        .map_err(fault)?;
    // Delete each record by its full key, since a damaged record may belong to another document.
    let mut removed = 0;
    for path in &paths {
        removed += delete(connection, document, path)?;
    }
    Ok(removed)
}

fn delete(connection: &Connection, document: i64, path: &[u8]) -> Result<usize, Error> {
    connection
        .prepare_cached("DELETE FROM cells WHERE document = ?1 AND path = ?2")
        .and_then(|mut delete| delete.execute(params![document, path]))
        .map_err(fault)
}

/// Returns a removed document that may still have cells or ids.
pub(super) fn to_clear(connection: &Connection) -> Result<Option<i64>, Error> {
    connection
        .prepare_cached("SELECT document FROM cleared LIMIT 1")
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

#[cfg(test)]
mod tests {
    use super::{super::schema::SCHEMA, *};

    /// Reading a page of a large document must not sort the document.
    #[test]
    fn pages_and_ranges_are_found_by_a_search_without_a_sort() {
        let connection = Connection::open_in_memory().unwrap();
        for wanted in ["CREATE TABLE", "CREATE INDEX"] {
            let tables = SCHEMA.tables.iter().map(|(_, sql)| sql);
            for sql in tables.filter(|sql| sql.starts_with(wanted)) {
                connection.execute_batch(sql).unwrap();
            }
        }
        let by_sequence = "INDEX cells_by_sequence (document=? AND sequence>?)";
        for (query, search) in [
            (AFTER_PATH, "PRIMARY KEY (document=? AND path>?)"),
            (FROM_PATH, "PRIMARY KEY (document=? AND path>?)"),
            (AFTER_SEQUENCE, by_sequence),
            (AGED, "INDEX tombstones (document=? AND received<?)"),
        ] {
            let query = format!("EXPLAIN QUERY PLAN {query}");
            let mut plan = connection.prepare(&query).unwrap();
            let steps = plan.raw_query().mapped(|row| row.get::<_, String>(3));
            let steps: Vec<_> = steps.map(Result::unwrap).collect();
            assert_eq!(steps, [format!("SEARCH cells USING {search}")]);
        }
    }
}
