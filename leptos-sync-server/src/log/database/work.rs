use rusqlite::Connection;
use tokio::sync::oneshot;

use super::damage::Damage;
use crate::error::Error;

/// A write operation. The writer may run it again if a transaction failed.
pub(in crate::log) trait Operation: Send + 'static {
    /// Returns the document that the operation concerns.
    fn document(&self) -> Option<&str>;

    /// Returns the approximate size of the cells.
    fn bytes(&self) -> usize;

    /// Returns the number of cells.
    fn cells(&self) -> usize;
}

/// The operations of a log on its file, with its knowledge about the file's integrity.
pub(in crate::log) trait Operations: Send + Sync + 'static {
    type Work: Operation;
    /// The result of an operation within its transaction.
    type Done: Send;
    /// Work that runs in steps between commits, because it may concern many cells.
    type Chore: Send;
    type Answer: Send + 'static;
    /// A document that was found.
    type Found;

    fn damage(&self) -> &Damage;

    /// Finds a document, and audits it if `audit` is true.
    fn find(
        &self,
        connection: &Connection,
        document: &str,
        audit: bool,
    ) -> Result<Option<Self::Found>, Error>;

    /// Returns whether there is a record with this name, intact or damaged.
    fn is_listed(&self, connection: &Connection, document: &str) -> bool;

    /// Runs an operation within a savepoint.
    fn perform(&self, connection: &Connection, work: &Self::Work) -> Result<Self::Done, Error>;

    /// Returns the answer to an operation whose transaction has been committed or rolled back.
    fn finish(
        &self,
        connection: &Connection,
        work: Self::Work,
        done: Result<Self::Done, Error>,
    ) -> Finished<Self::Answer, Self::Chore>;

    /// Returns the work that an earlier process may have left.
    fn first_chore(&self) -> Self::Chore;

    /// Runs one step within a transaction. Returns whether there may be more.
    fn step(&self, connection: &Connection, chore: &mut Self::Chore) -> Result<bool, Error>;

    /// Returns whether the work must end before the log is closed. Other work continues at the next
    /// start.
    fn must_end(&self, chore: &Self::Chore) -> bool;

    /// Returns the answer after the last step, or after a failed one.
    fn end(
        &self,
        connection: &Connection,
        chore: Self::Chore,
        done: Result<(), Error>,
    ) -> Result<Self::Answer, Error>;

    /// Adds the name of a document to an error, and remembers damage.
    fn of_document(&self, connection: &Connection, document: &str, error: Error) -> Error {
        let is_listed = || self.is_listed(connection, document);
        self.damage().of_document(document, error, is_listed)
    }
}

/// What follows an operation.
pub(in crate::log) enum Finished<A, C> {
    Answer(Result<A, Error>),
    /// The writer answers after this work.
    After(C),
    /// This work follows the answer.
    Before(Result<A, Error>, C),
}

/// An operation and the channel for its answer.
pub(super) struct Job<O: Operations> {
    pub(super) work: O::Work,
    pub(super) answer: oneshot::Sender<Result<O::Answer, Error>>,
}

impl<O: Operations> Operation for Job<O> {
    fn document(&self) -> Option<&str> {
        self.work.document()
    }

    fn bytes(&self) -> usize {
        self.work.bytes()
    }

    fn cells(&self) -> usize {
        self.work.cells()
    }
}

/// A message to the writer.
pub(super) enum Message<O: Operations> {
    Job(Job<O>),
    /// Empties SQLite's write-ahead log, after the commit.
    Tidy,
}
