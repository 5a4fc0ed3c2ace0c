use rusqlite::{Connection, TransactionBehavior};

use super::fault::fault;
use crate::error::Error;

/// Says that a file of SQLite is ours: "LSYL".
const APPLICATION: i32 = 0x4c53_594c;

/// The version of the tables; it rises with every change that an older build cannot read.
const VERSION: i32 = 1;

/// Everything in the file, in the order of names and as SQLite keeps it.
///
/// - No table is searched whose inner nodes are copies of keys, for those could be damaged unseen; `heads` is, but there
///   something is always found. So a walk over all records of a table shows that every search in it is right.
/// - Times and replica ids are u64. Here they are integers less 2⁶³, which keeps their order.
/// - Checksums cover the rest of their record.
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

/// Whether there is nothing yet; checks that what there is, is what this build knows. Changes nothing.
pub(super) fn is_new(connection: &Connection) -> Result<bool, Error> {
    let kept = number(connection, "application_id")?;
    let version = number(connection, "user_version")?;
    if (kept, version) == (0, 0) && tables(connection)?.is_empty() {
        return Ok(true);
    }
    if kept != APPLICATION {
        return Err(Error::unsupported(
            "this file is a database of SQLite, but not a log of leptos-sync; give the log a file of its own",
        ));
    }
    if version > VERSION {
        return Err(Error::unsupported(format!(
            "this log was written by a newer build, whose tables are of version {version}; this build reads version \
             {VERSION} and has changed nothing"
        )));
    }
    let known = SCHEMA.iter();
    let known = known.map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()));
    if version != VERSION || !tables(connection)?.into_iter().eq(known) {
        return Err(Error::damaged_file(
            "its list of tables is not what a build of this version makes",
        ));
    }
    Ok(false)
}

/// Makes the tables.
pub(super) fn create(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    // Somebody else may have been faster.
    if tables(&transaction)?.is_empty() {
        // Tables before their indices.
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

/// Names and definitions of all there is.
fn tables(connection: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut query = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .map_err(fault)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).map_err(fault)
}
