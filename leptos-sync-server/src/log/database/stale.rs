//! The detection of a write-ahead log that belongs to another database.
//!
//! If a process is killed, SQLite's write-ahead log keeps the changes that are not in the database
//! yet. If the database is replaced then, for example by a backup, SQLite would write these changes
//! into pages of the new one. It cannot notice that, because neither file names the other.
//!
//! So an open log records the numbers of both files in its lock file. A file that is copied or
//! restored has another number. So only a write-ahead log that stayed in its place, beside a
//! database that did not, is stale.

use std::{
    fs::{self, File},
    io::{Read as _, Seek as _, Write as _},
    path::Path,
};

use super::identity::Identity;
use crate::error::Error;

/// Records the files of a log that SQLite has just opened.
pub(super) fn record(lock: &mut File, database: &Path, wal: &Path) -> std::io::Result<()> {
    let text = Pair::of(database, wal).map_or_else(String::new, |pair| pair.text());
    lock.set_len(0)?;
    lock.rewind()?;
    lock.write_all(text.as_bytes())?;
    lock.sync_data()
}

/// Rejects a log whose write-ahead log has changes of another database.
pub(super) fn check(lock: &mut File, database: &Path, wal: &Path) -> Result<(), Error> {
    if fs::metadata(wal).map_or(0, |wal| wal.len()) == 0 {
        return Ok(());
    }
    let mut text = String::new();
    // Without a readable record, nothing is known.
    let read = lock.rewind().and_then(|()| lock.read_to_string(&mut text));
    let (Ok(_), Some(before), Some(now)) = (read, Pair::read(&text), Pair::of(database, wal))
    else {
        return Ok(());
    };
    if before.wal != now.wal || before.database == now.database {
        return Ok(());
    }
    let name = |path: &Path| path.file_name().unwrap_or_default().display().to_string();
    Err(Error::unavailable(format!(
        "{0} was replaced, but {1} still has the last changes of the database before; to use this \
         {0} without them, remove {1}, and to keep them, put the database before back",
        name(database),
        name(wal),
    )))
}

/// The numbers of a database and of its write-ahead log.
struct Pair {
    database: u64,
    wal: u64,
}

impl Pair {
    fn of(database: &Path, wal: &Path) -> Option<Self> {
        let number = |path| Identity::of(path).ok()?.number();
        Some(Self {
            database: number(database)?,
            wal: number(wal)?,
        })
    }

    fn text(&self) -> String {
        format!("database {} wal {}\n", self.database, self.wal)
    }

    fn read(text: &str) -> Option<Self> {
        let (database, wal) = text.strip_prefix("database ")?.split_once(" wal ")?;
        Some(Self {
            database: database.parse().ok()?,
            wal: wal.trim_end().parse().ok()?,
        })
    }
}
