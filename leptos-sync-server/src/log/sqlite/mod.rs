//! Documents in a file of SQLite.
//!
//! | File | Concept |
//! |---|---|
//! | `options`, `schema` | connections; the tables and their version |
//! | `record`, `tally`, `audit`, `trust` | damage: checksums of records, of tables, walks, and what is known of them |
//! | `register`, `heads`, `cells`, `bindings` | the tables |
//! | `work`, `writer` | what is written, and the thread that does it |
//! | `since`, `readers`, `turns` | what is read, the threads that do it, and who waits for whom to do it once |

mod audit;
mod bindings;
mod cells;
mod fault;
mod heads;
mod options;
mod readers;
mod record;
mod register;
mod schema;
mod since;
mod tally;
mod trust;
mod turns;
mod work;
mod writer;

use std::{path::Path, sync::Arc};

use futures::{FutureExt, future::BoxFuture};
use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use rusqlite::Connection;

use self::{
    heads::StoredHead,
    readers::Readers,
    trust::Trust,
    turns::{Turn, Turns},
    work::Work,
    writer::Writer,
};
use super::{DocumentState, DurableLog, Since, check_name, check_user, listed};
use crate::error::Error;

pub use options::SqliteOptions;

/// Documents in a file of SQLite, on the disk when an append returns: for a relay on one machine.
///
/// One thread writes, and commits together what waits; others read beside it. None needs a runtime. A document is kept as its
/// cells, so the file grows with what is in the documents, not with what was written; room that is given up is used again, not
/// given back.
///
/// [`since`](DurableLog::since) costs what changed; the first use of a document after the file was opened walks all of it, to
/// see that nothing is missing; whoever else asks for it then waits for that. SQLite's log beside the file (`-wal`) has checksums of its own; damage there ends it, as a crash
/// does, and what it held since the last checkpoint is gone.
///
/// Dropping it waits until what was brought is committed. One process should have the file open; others that read it, as a backup does, are welcome.
pub struct SqliteLog {
    trust: Arc<Trust>,
    /// To walk a document.
    turns: Turns,
    // In this order: the last to close the file is the writer, which leaves it whole.
    readers: Readers,
    /// It waits for no other read.
    prober: Readers,
    writer: Writer,
}

impl SqliteLog {
    /// Opens the file, or makes it. Blocks while it reads the register of documents: O(documents + bindings).
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] where it cannot be opened; [`Error::is_unsupported`] where a newer build or another program
    /// has written it; [`Error::is_damaged`] where its list of tables is damaged. None has changed anything.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, &SqliteOptions::new())
    }

    /// As [`open`](SqliteLog::open), with options.
    ///
    /// # Errors
    ///
    /// As for [`open`](SqliteLog::open).
    pub fn open_with(path: impl AsRef<Path>, options: &SqliteOptions) -> Result<Self, Error> {
        let path = path.as_ref();
        Self::start(path, options).map_err(|error| error.of_file(path))
    }

    fn start(path: &Path, options: &SqliteOptions) -> Result<Self, Error> {
        let connection = options.writing(path)?;
        let trust = Arc::new(Trust::of(&connection));
        Ok(Self {
            turns: Turns::default(),
            readers: Readers::start(path, options.readers)?,
            prober: Readers::start(path, 1)?,
            writer: Writer::start(connection, Arc::clone(&trust))?,
            trust,
        })
    }

    /// Reads something of a document, `None` if there is no such document. Walks it first, where that was not done and `walk`
    /// says so.
    async fn read<T: Send + 'static>(
        &self,
        document: &str,
        walk: bool,
        work: impl FnOnce(&Connection, i64, &StoredHead) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        check_name(document)?;
        self.trust.check(document)?;
        let turn = match walk {
            true => self.turn(document).await?,
            false => None,
        };
        let (trust, name) = (Arc::clone(&self.trust), document.to_owned());
        let read = move |connection: &Connection| {
            let of_document = |error| trust.of_document(connection, &name, error);
            let found = find(connection, &trust, &name, turn.is_some()).map_err(of_document);
            // The next knows by now what came of it. It is kept until here also where nobody waits for the answer any more.
            drop(turn);
            let Some((id, stored)) = found? else {
                return Ok(None);
            };
            work(connection, id, &stored).map(Some).map_err(of_document)
        };
        self.readers.read(read).await
    }

    /// The turn to walk a document, where that was not done: one does, and the others wait rather than do it too.
    async fn turn(&self, document: &str) -> Result<Option<Turn>, Error> {
        if self.trust.is_audited(document) {
            return Ok(None);
        }
        let turn = self.turns.wait(document).await;
        self.trust.check(document)?;
        Ok((!self.trust.is_audited(document)).then_some(turn))
    }

    /// Writes something of a document.
    async fn write(&self, work: Work) -> Result<(), Error> {
        if let Some(document) = work.document() {
            check_name(document)?;
        }
        self.writer.ask(work).await.map(|_| ())
    }

    /// Writes something that searches a document's cells.
    async fn write_cells(&self, document: &str, work: Work) -> Result<(), Error> {
        if !self.trust.is_audited(document) {
            self.read(document, true, |_, _, _| Ok(())).await?;
            // Where there was none, all that comes is written by this process.
            self.trust.audited(document);
        }
        self.write(work).await
    }
}

/// Finds a document, and walks it where `walk` says so.
fn find(
    connection: &Connection,
    trust: &Trust,
    document: &str,
    walk: bool,
) -> Result<Option<(i64, StoredHead)>, Error> {
    let Some(id) = trust.find(connection, document)? else {
        return Ok(None);
    };
    let stored = heads::load(connection, id)?;
    if walk {
        tracing::debug!(document, cells = stored.cells.records, "walking");
        audit::audit(connection, id, &stored)?;
        trust.audited(document);
    }
    Ok(Some((id, stored)))
}

impl DurableLog for SqliteLog {
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>> {
        let document = document.to_owned();
        async move {
            let read = self.read(&document, false, |_, _, stored| Ok(stored.head.state()));
            Ok(read.await?.unwrap_or_default())
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.prober
            .read(|connection| register::has(connection, "").map(drop))
            .boxed()
    }

    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        async move {
            if deltas.is_empty() {
                return self.state(&document).await.map(|_| ());
            }
            let work = Work::Append {
                document: document.clone(),
                deltas,
            };
            self.write_cells(&document, work).await
        }
        .boxed()
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
            let read = self.read(&document, true, move |connection, id, stored| {
                since::since(connection, id, stored, &version, bytes)
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
            self.write_cells(&document, work).await
        }
        .boxed()
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let after = after.map(str::to_owned);
        let list = move |connection: &Connection| {
            register::list(connection, after.as_deref(), listed(most))
        };
        self.readers.read(list).boxed()
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
            self.writer.ask(work).await
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
    use std::sync::mpsc::channel;

    use futures::FutureExt as _;
    use tokio::time::{Duration, timeout};

    use super::*;
    use crate::limits;

    #[tokio::test]
    async fn a_log_whose_readers_are_all_busy_is_there_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let log = SqliteLog::open(folder.path().join("log")).unwrap();
        let (release, released) = channel::<()>();
        let released = Arc::new(parking_lot::Mutex::new(released));
        for _ in 0..2 * limits::READERS {
            let released = Arc::clone(&released);
            let busy = log
                .readers
                .read(move |_| Ok(released.lock().recv().is_ok()));
            // Nobody waits for it.
            assert!(busy.now_or_never().is_none());
        }
        let probed = timeout(Duration::from_secs(10), log.probe()).await;
        assert!(probed.is_ok_and(|probed| probed.is_ok()));
        assert!(log.state("board").now_or_never().is_none(), "it is busy");
        drop(release);
        assert!(log.state("board").await.is_ok());
    }
}
