//! A durable log in an SQLite file.
//!
//! | File | Concept |
//! |---|---|
//! | `schema`, `record` | the tables, and the records of cells |
//! | `tables` | the names of documents and users, and which of them are known to be intact or damaged |
//! | `heads`, `epochs`, `ids`, `cells` | the operations of the other tables |
//! | `audit` | the audit of a document |
//! | `work`, `draft`, `operations` | the write operations, a document within one, and how the file runs them |
//! | `read` | the read operations |

mod audit;
mod cells;
mod draft;
mod epochs;
mod heads;
mod ids;
mod operations;
mod read;
mod record;
mod schema;
mod tables;
mod work;

use std::path::Path;

use futures::{FutureExt, future::BoxFuture};
use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{CellRange, Entry, IdHead, Page, Patch, Sequence},
};

use self::{
    tables::{DOCUMENTS, Tables},
    work::{Answer, Work},
};
use super::{DurableLog, HeadsOutcome, History, JoinOutcome, PushOutcome};
use crate::{
    error::Error,
    log::{
        SealKey, check_name, check_user,
        database::{DatabaseFile, SqliteOptions},
        listed,
    },
};

/// A log in an SQLite file, for a relay on one machine. When a push returns, its entries are on
/// disk.
///
/// One thread writes and commits queued operations together; other threads read concurrently. None
/// of them needs a runtime. The file holds the cells of the documents, so its size follows their
/// content and not the number of edits. Each id that wrote a document takes fewer than 96 bytes.
/// Freed space is reused, but the file does not shrink.
///
/// An index of cells by number finds the cells of a page, and cells are stored in the order of
/// ranges. So the cost and the memory of both follow their size. The first access to the cells or
/// ids of a document after the file was opened audits the document: it reads all its records to
/// check that none is missing. Concurrent calls for that document wait for the audit.
///
/// SQLite's write-ahead log (`-wal`) has its own checksums. Damage there truncates it, as a crash
/// does, and loses everything since the last checkpoint.
///
/// Text that was removed or replaced leaves the files after
/// [`limits::TIDY_MS`](crate::limits::TIDY_MS), unless another process reads an older state. New
/// files are readable by their owner only.
///
/// Another file beside the database (`-key`) holds the [key](SealKey) of the relay. Keep it when
/// you restore the database from a backup; see [`SqliteOptions::key_file`].
///
/// Dropping the log blocks until all queued operations are committed. Only one process can have the
/// log open: it locks a file beside it (`-lock`). Others may read the log with SQLite, for example
/// to back it up. If one of its files is removed or replaced while the log is open, writes fail,
/// because what they write could be lost.
pub struct SqliteLog {
    file: DatabaseFile<Tables>,
    key: SealKey,
}

impl SqliteLog {
    /// Opens the file, or creates it. Blocks while it reads the names: O(documents + users).
    ///
    /// # Errors
    ///
    /// - [`Error::is_unavailable`] if the file cannot be opened, has several names (hard links), or
    ///   another process has it open.
    /// - [`Error::is_invalid`] if `path` is one of SQLite's names for a database in memory.
    /// - [`Error::is_unsupported`] if another build or another program has written it.
    /// - [`Error::is_damaged`] if its list of tables is damaged.
    /// - Those of [`SealKey::of_file`].
    ///
    /// The file is unchanged after an error.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, &SqliteOptions::new())
    }

    /// Opens or creates the file with options. See [`open`](SqliteLog::open).
    ///
    /// # Errors
    ///
    /// Those of [`open`](SqliteLog::open).
    pub fn open_with(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, Error> {
        let file = DatabaseFile::open(path.as_ref(), options, &schema::SCHEMA, Tables::of)?;
        // After the lock, so that two processes never create different keys.
        let key = options.key(path.as_ref())?;
        Ok(Self { file, key })
    }

    /// Checks names, then runs a write operation that searches the document.
    async fn write(&self, document: &str, user: &str, work: Work) -> Result<Answer, Error> {
        check_name(document)?;
        check_user(user)?;
        self.file.write_cells(document, work).await
    }
}

impl DurableLog for SqliteLog {
    fn open(&self, document: &str, ids: Vec<ReplicaId>) -> BoxFuture<'_, Result<History, Error>> {
        let document = document.to_owned();
        async move {
            // A search for ids needs the audit.
            let walk = !ids.is_empty();
            let unknown = ids.iter().map(|id| (*id, IdHead::default())).collect();
            let read = self.file.read(&document, walk, |connection, (id, stored)| {
                read::history(connection, id, &stored, ids)
            });
            Ok(read.await?.unwrap_or_else(|| History {
                heads: unknown,
                ..History::default()
            }))
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.file
            .probe(|connection| DOCUMENTS.has(connection, "").map(drop))
            .boxed()
    }

    fn push(
        &self,
        document: &str,
        user: &str,
        entries: Vec<Entry>,
        now_ms: u64,
    ) -> BoxFuture<'_, Result<PushOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        async move {
            let work = Work::Push {
                document: document.clone(),
                user: user.clone(),
                entries,
                now_ms,
            };
            match self.write(&document, &user, work).await? {
                Answer::Pushed(pushed) => Ok(pushed),
                _ => Err(unexpected()),
            }
        }
        .boxed()
    }

    fn page(
        &self,
        document: &str,
        after: Sequence,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        let document = document.to_owned();
        async move {
            let read = self
                .file
                .read(&document, true, move |connection, (id, stored)| {
                    read::page(connection, id, &stored, after, bytes)
                });
            let nothing = Page {
                after,
                ..Page::default()
            };
            Ok(read.await?.unwrap_or(Some(nothing)))
        }
        .boxed()
    }

    fn range(
        &self,
        document: &str,
        after: Option<PathBuf>,
        bytes: usize,
    ) -> BoxFuture<'_, Result<CellRange, Error>> {
        let document = document.to_owned();
        async move {
            let read = self
                .file
                .read(&document, true, move |connection, (id, stored)| {
                    read::range(connection, id, &stored, after.as_ref(), bytes)
                });
            Ok(read.await?.unwrap_or_default())
        }
        .boxed()
    }

    fn join_cells(
        &self,
        document: &str,
        user: Option<&str>,
        cells: Patch,
        now_ms: u64,
        latest: Time,
    ) -> BoxFuture<'_, Result<JoinOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.map(str::to_owned));
        async move {
            let work = Work::Offer {
                document: document.clone(),
                user: user.clone(),
                cells,
                now_ms,
                latest,
            };
            match self
                .write(&document, &user.unwrap_or_default(), work)
                .await?
            {
                Answer::Joined(offered) => Ok(offered),
                _ => Err(unexpected()),
            }
        }
        .boxed()
    }

    fn raise_heads(
        &self,
        document: &str,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> BoxFuture<'_, Result<HeadsOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        async move {
            let work = Work::Adopt {
                document: document.clone(),
                user: user.clone(),
                heads,
            };
            match self.write(&document, &user, work).await? {
                Answer::Heads(adopted) => Ok(adopted),
                _ => Err(unexpected()),
            }
        }
        .boxed()
    }

    fn forget(
        &self,
        document: &str,
        before: Time,
        received_before_ms: u64,
    ) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        async move {
            // Most documents have nothing to forget. For these, this is neither a write nor an
            // audit.
            let would_forget = self.file.read(&document, false, move |connection, found| {
                let (id, stored) = found;
                read::would_forget(connection, id, &stored, before, received_before_ms)
            });
            if would_forget.await? != Some(true) {
                return Ok(());
            }
            let work = Work::Forget {
                document: document.clone(),
                before,
                received_before_ms,
            };
            self.write(&document, "", work).await.map(drop)
        }
        .boxed()
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let after = after.map(str::to_owned);
        let list = move |connection: &_| DOCUMENTS.list(connection, after.as_deref(), listed(most));
        self.file.readers().read(list).boxed()
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        async move {
            check_name(&document)?;
            self.file.write(Work::Remove { document }).await.map(drop)
        }
        .boxed()
    }

    fn new_epoch(&self) -> Result<(), Error> {
        self.file.operations().new_epoch()
    }

    fn seal_key(&self) -> Option<SealKey> {
        Some(self.key)
    }
}

/// Returns the error for an answer of another operation, which the writer never sends.
fn unexpected() -> Error {
    Error::unavailable("the log's writer answered another operation")
}
