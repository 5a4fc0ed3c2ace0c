//! A durable log in an SQLite file.
//!
//! | File | Concept |
//! |---|---|
//! | `schema`, `record` | the tables, and the records of cells |
//! | `register`, `heads`, `cells`, `bindings` | the tables' operations |
//! | `audit`, `trust` | the audit of a document, and the knowledge about the integrity of tables |
//! | `work`, `chores`, `operations` | the write operations, their work in steps, and what the writer needs to know of them |
//! | `since` | the read operation |

mod audit;
mod bindings;
mod cells;
mod chores;
mod heads;
mod operations;
mod record;
mod register;
mod schema;
mod since;
mod trust;
mod work;

use std::path::Path;

use futures::{
    FutureExt, TryFutureExt as _,
    future::{BoxFuture, ready},
};
use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};

use self::{register::DOCUMENTS, trust::Trust, work::Work};
use super::{
    DocumentState, DurableLog, Since, check_name, check_user,
    database::{DatabaseFile, Operation as _, SqliteOptions},
    listed,
};
use crate::{error::Error, limits};

/// A log in an SQLite file, for a relay on one machine. When an append returns, it is on disk.
///
/// One thread writes and commits queued operations together; other threads read concurrently. None
/// of them needs a runtime. The file holds the cells of the documents, so its size follows their
/// content and not the number of edits. Freed space is reused, but the file does not shrink.
///
/// The cost of [`since`](DurableLog::since) is proportional to what changed. The first access to a
/// document after the file was opened audits the document: it reads all cells to check that none is
/// missing. Concurrent calls for that document wait for the audit.
///
/// SQLite's write-ahead log (`-wal`) has its own checksums. Damage there truncates it, as a crash
/// does, and loses everything since the last checkpoint.
///
/// Text that was removed or replaced leaves the files after [`limits::TIDY_MS`], unless another
/// process reads an older state. New files are readable by their owner only.
///
/// Dropping the log blocks until all queued operations are committed. Only one process can have the
/// log open: it locks a file beside it (`-lock`). Others may read the log with SQLite, for example
/// to back it up. If one of its files is removed or replaced while the log is open, writes fail,
/// because what they write could be lost.
pub struct SqliteLog {
    file: DatabaseFile<Trust>,
}

impl SqliteLog {
    /// Opens the file, or creates it. Blocks while it reads the register of documents: O(documents
    /// + bindings).
    ///
    /// # Errors
    ///
    /// - [`Error::is_unavailable`] if the file cannot be opened, has several names (hard links), or
    ///   another process has it open.
    /// - [`Error::is_invalid`] if `path` is one of SQLite's names for a database in memory.
    /// - [`Error::is_unsupported`] if a newer build or another program has written it.
    /// - [`Error::is_damaged`] if its list of tables is damaged.
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
        let of = |connection: &_| Ok(Trust::of(connection));
        let file = DatabaseFile::open(path.as_ref(), options, &schema::SCHEMA, of)?;
        Ok(Self { file })
    }

    /// Runs a write operation.
    async fn write(&self, work: Work) -> Result<(), Error> {
        if let Some(document) = work.document() {
            check_name(document)?;
        }
        self.file.write(work).await.map(|_| ())
    }

    fn append_for(
        &self,
        document: &str,
        deltas: Vec<Delta>,
        user: Option<String>,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        let document = document.to_owned();
        async move {
            let work = match &*deltas {
                [] => return self.state(&document).await.map(|_| Vec::new()),
                [large] if large.len() > limits::COMMIT_CELLS => Work::Parts {
                    document: document.clone(),
                    parts: large.split(limits::STEP_BYTES)?,
                    user,
                },
                _ => Work::Append {
                    document: document.clone(),
                    deltas,
                    user,
                },
            };
            self.file.write_cells(&document, work).await
        }
        .boxed()
    }
}

impl DurableLog for SqliteLog {
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>> {
        let document = document.to_owned();
        async move {
            let read = self
                .file
                .read(&document, false, |_, (_, stored)| Ok(stored.head.state()));
            Ok(read.await?.unwrap_or_default())
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.file
            .probe(|connection| DOCUMENTS.has(connection, "").map(drop))
            .boxed()
    }

    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>> {
        self.append_for(document, deltas, None)
            .map_ok(|_| ())
            .boxed()
    }

    fn append_as(
        &self,
        document: &str,
        deltas: Vec<Delta>,
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        match check_user(user) {
            Ok(()) => self.append_for(document, deltas, Some(user.to_owned())),
            Err(error) => ready(Err(error)).boxed(),
        }
    }

    fn claim(&self, document: &str, upto: VersionVector) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        async move {
            if upto.is_empty() {
                return self.state(&document).await.map(|_| ());
            }
            self.write(Work::Claim { document, upto }).await
        }
        .boxed()
    }

    fn since(
        &self,
        document: &str,
        version: &VersionVector,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Since, Error>> {
        let (document, version) = (document.to_owned(), version.clone());
        async move {
            let read = self
                .file
                .read(&document, true, move |connection, (id, stored)| {
                    since::since(connection, id, &stored, &version, bytes)
                });
            let nothing = || Since::Delta(vec![Delta::default()]);
            Ok(read.await?.unwrap_or_else(nothing))
        }
        .boxed()
    }

    fn forget_tombstones(&self, document: &str, before: Time) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        async move {
            let work = Work::Forget {
                document: document.clone(),
                before,
            };
            self.file.write_cells(&document, work).await.map(|_| ())
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

    fn bind(
        &self,
        replicas: &[ReplicaId],
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        let checked = check_user(user);
        let work = Work::Bind {
            replicas: replicas.to_vec(),
            user: user.to_owned(),
        };
        async move {
            checked?;
            self.file.write(work).await
        }
        .boxed()
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        async move { self.write(Work::Remove { document }).await }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc::channel};

    use futures::FutureExt as _;
    use tokio::time::{Duration, timeout};

    use super::*;
    use crate::limits;

    #[tokio::test]
    async fn a_log_answers_probes_and_heads_while_all_readers_are_busy() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(folder.path().join("log")).unwrap();
        let (release, released) = channel::<()>();
        let released = Arc::new(parking_lot::Mutex::new(released));
        for _ in 0..2 * limits::READERS {
            let released = Arc::clone(&released);
            let busy = log
                .file
                .readers()
                .read(move |_| Ok(released.lock().recv().is_ok()));
            // The read is queued; its result is not awaited.
            assert!(busy.now_or_never().is_none());
        }
        let probed = timeout(Duration::from_secs(10), log.probe()).await;
        assert!(probed.is_ok_and(|probed| probed.is_ok()));
        let state = timeout(Duration::from_secs(10), log.state("board")).await;
        assert!(state.is_ok_and(|state| state.is_ok()));
        assert!(
            log.documents(None, 1).now_or_never().is_none(),
            "all readers are busy"
        );
        drop(release);
        assert!(log.documents(None, 1).await.is_ok());
    }
}
