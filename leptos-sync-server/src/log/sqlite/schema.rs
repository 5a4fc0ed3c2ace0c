use rusqlite::{Connection, TransactionBehavior};

use super::fault::fault;
use crate::error::Error;

/// The id that marks an SQLite file as a log: "LSYL".
const APPLICATION: i32 = 0x4c53_594c;

/// The version of the tables and of the values in them. It rises with every change that older
/// builds cannot read.
const VERSION: i32 = 2;

/// All tables and indices, sorted by name, as SQLite stores their definitions.
///
/// - Tables that are searched are `WITHOUT ROWID`: their inner nodes hold records, and not copies
///   of keys, which could be damaged unnoticed. So a walk over all records proves that every search
///   is correct. `heads` has a row id, but a search there always finds a record, or reports damage.
/// - Times and replica ids are u64, stored as integers minus 2⁶³, which preserves their order.
/// - A checksum covers all other columns of its record.
const SCHEMA: [(&str, &str); 8] = [
    (
        "bindings",
        "CREATE TABLE bindings (
            replica INTEGER NOT NULL PRIMARY KEY,
            user TEXT NOT NULL,
            checksum INTEGER NOT NULL
        ) WITHOUT ROWID",
    ),
    (
        "cells",
        "CREATE TABLE cells (
            document INTEGER NOT NULL,
            parent BLOB NOT NULL,
            key BLOB NOT NULL,
            time INTEGER NOT NULL,
            replica INTEGER NOT NULL,
            value BLOB,
            checksum INTEGER NOT NULL,
            PRIMARY KEY (document, parent, key)
        ) WITHOUT ROWID",
    ),
    (
        "cells_by_time",
        "CREATE INDEX cells_by_time ON cells (document, replica, time)",
    ),
    (
        "documents",
        "CREATE TABLE documents (
            name BLOB NOT NULL PRIMARY KEY,
            id INTEGER NOT NULL,
            checksum INTEGER NOT NULL
        ) WITHOUT ROWID",
    ),
    (
        "heads",
        "CREATE TABLE heads (
            document INTEGER PRIMARY KEY,
            head BLOB NOT NULL,
            checksum INTEGER NOT NULL
        )",
    ),
    (
        "removed",
        "CREATE TABLE removed (document INTEGER PRIMARY KEY)",
    ),
    (
        "tallies",
        "CREATE TABLE tallies (
            name TEXT NOT NULL PRIMARY KEY,
            records INTEGER NOT NULL,
            sum INTEGER NOT NULL,
            next INTEGER NOT NULL,
            checksum INTEGER NOT NULL
        ) WITHOUT ROWID",
    ),
    (
        "tombstones",
        "CREATE INDEX tombstones ON cells (document, replica, time) WHERE value IS NULL",
    ),
];

/// Returns whether the file is empty. Fails if it is not empty and not a log that this build knows.
/// Changes nothing.
pub(super) fn is_new(connection: &Connection) -> Result<bool, Error> {
    let kept = number(connection, "application_id")?;
    let version = number(connection, "user_version")?;
    if (kept, version) == (0, 0) && tables(connection)?.is_empty() {
        return Ok(true);
    }
    if kept != APPLICATION {
        return Err(Error::unsupported(
            "the file is an SQLite database of another program; choose another file for the log",
        ));
    }
    if version > VERSION {
        return Err(Error::unsupported(format!(
            "the log has format version {version}, this build reads version \
             {VERSION}; use a newer build. The file is unchanged"
        )));
    }
    if version == 1 {
        return Err(Error::unsupported(
            "the log has format version 1, which was never released; this build reads version 2. The file is \
             unchanged",
        ));
    }
    let known = SCHEMA.iter();
    let known = known.map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()));
    if version != VERSION || !tables(connection)?.into_iter().eq(known) {
        return Err(Error::damaged_file(
            "the list of tables does not match its format version",
        ));
    }
    Ok(false)
}

/// Creates the tables.
pub(super) fn create(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    // Another process may have created them first.
    if tables(&transaction)?.is_empty() {
        // Create tables before their indices.
        for wanted in ["CREATE TABLE", "CREATE INDEX"] {
            for (_, sql) in SCHEMA.iter().filter(|(_, sql)| sql.starts_with(wanted)) {
                transaction.execute_batch(sql).map_err(fault)?;
            }
        }
        super::tally::create(&transaction)?;
        let pragma = |name, value| transaction.pragma_update(None, name, value);
        pragma("application_id", APPLICATION).map_err(fault)?;
        pragma("user_version", VERSION).map_err(fault)?;
    }
    transaction.commit().map_err(fault)
}

fn number(connection: &Connection, pragma: &str) -> Result<i32, Error> {
    connection
        .pragma_query_value(None, pragma, |row| row.get(0))
        .map_err(fault)
}

/// Returns the names and definitions of all tables and indices.
fn tables(connection: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut query = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .map_err(fault)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).map_err(fault)
}
