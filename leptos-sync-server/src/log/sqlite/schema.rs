use crate::log::database::Schema;

/// The tables of a log with numbered histories.
///
/// - Tables that are searched are `WITHOUT ROWID`: their inner nodes hold records, and not copies
///   of keys, which could be damaged unnoticed. So a walk over all records proves that every search
///   is correct. `heads` has a row id, but a search there always finds a record, or reports damage.
/// - Times, replica ids, epochs and hashes are u64, stored as integers minus 2⁶³, which preserves
///   their order. Sequence numbers, the numbers of entries and times of receipt are small, so they
///   are stored as they are and take few bytes.
/// - A cell's path is encoded whole, so that the primary key has the order of ranges.
/// - Only tombstones have a time of receipt.
/// - A checksum covers all other columns of its record.
pub(super) const SCHEMA: Schema = Schema {
    version: 3,
    tallied: &["documents", "removed", "users"],
    tables: &[
        (
            "cells",
            "CREATE TABLE cells (
            document INTEGER NOT NULL,
            path BLOB NOT NULL,
            time INTEGER NOT NULL,
            replica INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            received INTEGER,
            value BLOB,
            checksum INTEGER NOT NULL,
            PRIMARY KEY (document, path)
        ) WITHOUT ROWID",
        ),
        (
            "cells_by_sequence",
            "CREATE INDEX cells_by_sequence ON cells (document, sequence)",
        ),
        (
            "cleared",
            "CREATE TABLE cleared (document INTEGER PRIMARY KEY)",
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
            "epochs",
            "CREATE TABLE epochs (
            document INTEGER NOT NULL,
            first INTEGER NOT NULL,
            epoch INTEGER NOT NULL,
            checksum INTEGER NOT NULL,
            PRIMARY KEY (document, first)
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
            "ids",
            "CREATE TABLE ids (
            document INTEGER NOT NULL,
            replica INTEGER NOT NULL,
            user INTEGER NOT NULL,
            number INTEGER NOT NULL,
            hash INTEGER NOT NULL,
            time INTEGER NOT NULL,
            emptied INTEGER NOT NULL,
            checksum INTEGER NOT NULL,
            PRIMARY KEY (document, replica)
        ) WITHOUT ROWID",
        ),
        (
            "removed",
            "CREATE TABLE removed (
            name BLOB NOT NULL PRIMARY KEY,
            id INTEGER NOT NULL,
            checksum INTEGER NOT NULL
        ) WITHOUT ROWID",
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
            "CREATE INDEX tombstones ON cells (document, received, time) WHERE value IS NULL",
        ),
        (
            "users",
            "CREATE TABLE users (
            name BLOB NOT NULL PRIMARY KEY,
            id INTEGER NOT NULL,
            checksum INTEGER NOT NULL
        ) WITHOUT ROWID",
        ),
    ],
};
