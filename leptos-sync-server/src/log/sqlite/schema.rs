use crate::log::database::Schema;

/// The tables of a log without numbered histories.
///
/// - Tables that are searched are `WITHOUT ROWID`: their inner nodes hold records, and not copies
///   of keys, which could be damaged unnoticed. So a walk over all records proves that every search
///   is correct. `heads` has a row id, but a search there always finds a record, or reports damage.
/// - Times and replica ids are u64, stored as integers minus 2⁶³, which preserves their order.
/// - A checksum covers all other columns of its record.
pub(super) const SCHEMA: Schema = Schema {
    version: 2,
    tallied: &["bindings", "documents"],
    tables: &[
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
    ],
};
