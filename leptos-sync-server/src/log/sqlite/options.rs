use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags};

use super::{fault::fault, schema};
use crate::{error::Error, limits};

/// How a [`SqliteLog`](super::SqliteLog) works.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    pub(super) readers: usize,
    max_bytes: Option<u64>,
}

impl SqliteOptions {
    /// The defaults: [`limits::READERS`] readers, and a file of any size.
    pub fn new() -> Self {
        Self {
            readers: limits::READERS,
            max_bytes: None,
        }
    }

    /// How many connections read, at least one. Each is a thread, and up to 2 MiB of cache. One more answers whether the
    /// log is there.
    #[must_use]
    pub fn readers(mut self, readers: usize) -> Self {
        self.readers = readers.max(1);
        self
    }

    /// How large the file may grow. What would make it larger is refused as if the disk were [full](Error::is_full). SQLite's
    /// own log stands beside the file and is not counted.
    #[must_use]
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// The connection that writes, to a log that is made where there is none. It is also the one that moves what is in SQLite's log to its place: no other does, so that none of the two
    /// ever happens beside the other.
    pub(super) fn writing(&self, path: &Path) -> Result<Connection, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = open(path, flags)?;
        // Somebody else's file is not even brought into another mode.
        let new = schema::is_new(&connection)?;
        let pragmas: [(&str, &dyn rusqlite::ToSql); 3] = [
            ("journal_mode", &"WAL"),
            // A commit is on the disk before it is answered.
            ("synchronous", &"FULL"),
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
            schema::create(&mut connection)?;
        }
        Ok(connection)
    }

    /// A connection that only reads.
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
    // Damaged pages are refused where they are read. What a damaged list of tables says is not run.
    for (name, on) in [("cell_size_check", true), ("trusted_schema", false)] {
        connection.pragma_update(None, name, on).map_err(fault)?;
    }
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// More than there are statements in this module.
const STATEMENTS: usize = 64;
