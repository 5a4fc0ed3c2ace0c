use std::{path::Path, sync::Arc};

use rusqlite::Connection;

use super::{
    identity::Identities,
    lock::Lock,
    options::SqliteOptions,
    readers::Readers,
    schema::Schema,
    turns::{Turn, Turns},
    work::Operations,
    writer::Writer,
};
use crate::{error::Error, log::check_name};

/// An open file of a log: its writer, its readers, and the lock of the process.
pub(in crate::log) struct DatabaseFile<O: Operations> {
    operations: Arc<O>,
    /// The turns that serialize audits of one document.
    turns: Turns,
    // Fields drop in this order: the writer closes the file last and checkpoints it.
    readers: Readers,
    /// The reader for probes and heads, so that they never wait for reads of cells.
    short: Readers,
    writer: Writer<O>,
    identities: Arc<Identities>,
    _lock: Lock,
}

impl<O: Operations> DatabaseFile<O> {
    /// Opens the file, or creates it with the tables of `schema`.
    pub(in crate::log) fn open(
        path: &Path,
        options: &SqliteOptions,
        schema: &Schema,
        operations: impl FnOnce(&Connection) -> Result<O, Error>,
    ) -> Result<Self, Error> {
        let start = || {
            let (mut lock, path, mut identities) = Lock::acquire(path)?;
            let mut connection = options.writing(&path, schema)?;
            lock.record_files()?;
            identities.add_files_of_sqlite(&path);
            let identities = Arc::new(identities);
            SqliteOptions::wait_for_writer(&mut connection)?;
            let operations = Arc::new(operations(&connection)?);
            Ok(Self {
                turns: Turns::default(),
                readers: Readers::start(&path, options.readers)?,
                short: Readers::start(&path, 1)?,
                writer: Writer::start(
                    connection,
                    Arc::clone(&operations),
                    Arc::clone(&identities),
                )?,
                identities,
                _lock: lock,
                operations,
            })
        };
        start().map_err(|error: Error| error.of_file(path))
    }

    pub(in crate::log) fn operations(&self) -> &O {
        &self.operations
    }

    /// Returns the readers of cells, for reads that concern no document.
    pub(in crate::log) fn readers(&self) -> &Readers {
        &self.readers
    }

    /// Checks that the files still have their names, and runs a read that concerns no document and
    /// reads no cells.
    pub(in crate::log) async fn probe(
        &self,
        work: impl FnOnce(&Connection) -> Result<(), Error> + Send + 'static,
    ) -> Result<(), Error> {
        let identities = Arc::clone(&self.identities);
        let checked = move |connection: &Connection| {
            identities.check()?;
            work(connection)
        };
        self.short.read(checked).await
    }

    /// Runs a read operation on a document. Returns `None` if the document does not exist.
    ///
    /// Set `walk` if `work` searches cells or ids. Then the document is audited first, unless it
    /// already was.
    pub(in crate::log) async fn read<T: Send + 'static>(
        &self,
        document: &str,
        walk: bool,
        work: impl FnOnce(&Connection, O::Found) -> Result<T, Error> + Send + 'static,
    ) -> Result<Option<T>, Error> {
        check_name(document)?;
        self.operations.damage().check(document)?;
        let turn = match walk {
            true => self.turn(document).await?,
            false => None,
        };
        let (operations, name) = (Arc::clone(&self.operations), document.to_owned());
        let read = move |connection: &Connection| {
            let of_document = |error| operations.of_document(connection, &name, error);
            let found = operations.find(connection, &name, turn.is_some());
            let found = found.map_err(of_document);
            // The turn ends only here, even if the caller gave up, because the result of the audit
            // is recorded by now.
            drop(turn);
            match found? {
                Some(found) => work(connection, found).map(Some).map_err(of_document),
                None => Ok(None),
            }
        };
        match walk {
            true => self.readers.read(read).await,
            false => self.short.read(read).await,
        }
    }

    /// Waits for the turn to audit a document. Returns `None` if the document is already audited.
    async fn turn(&self, document: &str) -> Result<Option<Turn>, Error> {
        let damage = self.operations.damage();
        if damage.is_audited(document) {
            return Ok(None);
        }
        let turn = self.turns.wait(document).await;
        damage.check(document)?;
        Ok((!damage.is_audited(document)).then_some(turn))
    }

    /// Runs a write operation.
    pub(in crate::log) async fn write(&self, work: O::Work) -> Result<O::Answer, Error> {
        self.writer.ask(work).await
    }

    /// Runs a write operation that searches a document's cells or ids.
    pub(in crate::log) async fn write_cells(
        &self,
        document: &str,
        work: O::Work,
    ) -> Result<O::Answer, Error> {
        let damage = self.operations.damage();
        if !damage.is_audited(document) {
            self.read(document, true, |_, _| Ok(())).await?;
            // The document did not exist, so this process writes all its records.
            damage.audited(document);
        }
        self.write(work).await
    }
}
