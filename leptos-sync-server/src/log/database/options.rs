use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::{
    fault::fault,
    schema::{self, Schema},
};
use crate::{error::Error, limits, log::SealKey};

/// Options of a [`SqliteLog`](crate::SqliteLog).
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    pub(super) readers: usize,
    max_bytes: Option<u64>,
    key_file: Option<PathBuf>,
}

impl SqliteOptions {
    /// Returns the defaults: [`limits::READERS`] readers, no limit on the size of the file, and a
    /// key beside it.
    pub fn new() -> Self {
        Self {
            readers: limits::READERS,
            max_bytes: None,
            key_file: None,
        }
    }

    /// Sets the number of connections that read, at least one. Each one takes a thread and up to 2
    /// MiB of cache. The log keeps one more for [`probe`](crate::DurableLog::probe).
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// Limits the size of the file. A write that would exceed the limit fails as if the disk were
    /// [full](Error::is_full). SQLite's write-ahead log is a separate file and is not limited.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Sets the file of the relay's [key](crate::SealKey), which is created if it does not exist.
    /// By default, its path is that of the database with `-key` appended.
    ///
    /// Keep this file when you restore the database from a backup. If it is lost, restore it too.
    /// With another key, each client can restore only what its own user wrote; see
    /// [`accept_unproven`](crate::RelayOptions::accept_unproven).
    #[must_use]
    pub fn key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.key_file = Some(path.into());
        self
    }

    /// Reads the key, or creates it.
    pub(in crate::log) fn key(&self, database: &Path) -> Result<SealKey, Error> {
        if let Some(path) = &self.key_file {
            return SealKey::of_file(path);
        }
        // A link to the database has the same key.
        let path = database.canonicalize();
        let path = path.map_err(|error| Error::unavailable(error.to_string()).of_file(database))?;
        let mut beside = path.into_os_string();
        beside.push("-key");
        SealKey::of_file(Path::new(&beside))
    }

    /// Opens the connection that writes, and creates the log if it does not exist.
    ///
    /// This connection also runs all checkpoints, so that a checkpoint never runs alongside a
    /// commit.
    pub(super) fn writing(&self, path: &Path, schema: &Schema) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = open(path, flags)?;
        // Check first, because a file of another program must not change, not even its journal
        // mode.
        let new = schema::is_new(&connection, schema)?;
        let pragmas: [(&str, &dyn rusqlite::ToSql); 4] = [
            ("journal_mode", &"WAL"),
            // A commit is on disk before it returns.
            ("synchronous", &"FULL"),
            // Overwrite removed and replaced values with zeros.
            ("secure_delete", &true),
            ("journal_size_limit", &limits::WAL_BYTES.cast_signed()),
        ];
        for (name, value) in pragmas {
            connection.pragma_update(None, name, value).map_err(fault)?;
        }
        if let Some(bytes) = self.max_bytes {
            let page: i64 = connection
                .pragma_query_value(None, "page_size", |row| row.get(0))
                .map_err(fault)?;
            let pages = bytes / page.cast_unsigned().max(1);
            connection
                .pragma_update(None, "max_page_count", pages.max(1).cast_signed())
                .map_err(fault)?;
        }
        if new {
            schema::create(&mut connection, schema)?;
        }
        Ok(connection)
    }

    /// Empties the write-ahead log, which still contains removed and replaced values. Returns
    /// whether it is empty. A reader of an older state prevents that, and this does not wait for
    /// readers.
    pub(super) fn empty_wal(connection: &Connection) -> Result<bool, Error> {
        connection.busy_timeout(Duration::ZERO).map_err(fault)?;
        let is_busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            row.get::<_, bool>(0)
        });
        connection
            .busy_timeout(Duration::from_millis(limits::BUSY_MS))
            .map_err(fault)?;
        is_busy.map(|is_busy| !is_busy).map_err(fault)
    }

    /// Waits until another process that still has the log open has committed or rolled back.
    pub(super) fn wait_for_writer(connection: &mut Connection) -> Result<(), Error> {
        let turn = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        turn.and_then(Transaction::commit).map_err(fault)
    }

    /// Opens a connection that only reads.
    pub(super) fn reading(path: &Path) -> Result<Connection, Error> {
        open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self::new()
    }
}

fn open(path: &Path, flags: OpenFlags) -> Result<Connection, Error> {
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fault)?;
    connection
        .busy_timeout(Duration::from_millis(limits::BUSY_MS))
        .map_err(fault)?;
    // Reject damaged pages when they are read, and never run SQL from a damaged schema.
    for (name, on) in [("cell_size_check", true), ("trusted_schema", false)] {
        connection.pragma_update(None, name, on).map_err(fault)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// The size of the cache of prepared statements. It exceeds the number of statements of a
/// log.
const STATEMENTS: usize = 64;
