//! Durable storage for documents: the trait and its implementations.

mod answer;
#[cfg(feature = "testing")]
pub mod conformance;
#[cfg(feature = "sqlite")]
mod database;
mod head;
mod memory;
mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;

use futures::future::BoxFuture;
use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{CellRange, Entry, IdHead, Page, Patch, Sequence},
};

use crate::{error::Error, limits};

pub use answer::{HeadsOutcome, History, JoinOutcome, PushOutcome, Refusal};
#[cfg(feature = "sqlite")]
pub use database::SqliteOptions;
pub use memory::MemoryLog;
pub use seal::SealKey;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLog;

/// A durable storage of documents, which are kept as last-writer-wins cells with a numbered
/// history.
///
/// Each change of a document has a sequence number. A cell keeps the number of its last change, so
/// the cells that changed after a number are found without a log of changes, and a document does
/// not grow with its history. For each replica id that wrote, the document keeps the head: the last
/// entry's number, hash and time, and the user.
///
/// The first [`push`](DurableLog::push), [`join_cells`](DurableLog::join_cells) or
/// [`raise_heads`](DurableLog::raise_heads) that changes a document creates it.
///
/// # Laws
///
/// - Durability: once a call returns `Ok`, its effect survives any crash.
/// - Atomicity: an entry, an offer and an adoption take effect entirely or not at all. Calls for
///   one document take effect one after the other. A read sees a document at one moment, including
///   everything acknowledged before the call.
/// - Cancellation: if a future is dropped, the call may have taken effect or not.
/// - Numbers: each stored entry, and each offer or adoption that changes something, takes the
///   number after the document's head.
/// - Epochs: opening the log starts an epoch, and so does [`new_epoch`](DurableLog::new_epoch). A
///   document adds an epoch to its list, with its first number, when it first assigns a number in
///   that epoch.
/// - Heads: an entry is stored only if its number is one more than that of its id's head, it names
///   the head's hash, and its time is later. An empty entry has no time and keeps that of the head.
///   Heads are never dropped while the document exists.
/// - Users: the first entry or adoption of an id binds it to a user within the document.
/// - Window: the times of cells are not ahead of the relay's clock, as
///   [`Window::is_ahead`](leptos_sync_core::clock::Window::is_ahead) defines it. An entry's time is
///   not below the floor if the document has neither a cell at one of its paths nor an ender above
///   it.
/// - Join: at each path the cell with the greater stamp wins. Among equal stamps the greater bytes
///   win, and a tombstone loses to any value. A cell that loses keeps its number.
/// - Containment: the tombstone at a nameless segment below named ones, an ender, ends all older
///   cells at or below the path before that segment. They are removed, and cells that arrive later
///   lose to it.
/// - Removal: a removed document keeps its name and its epochs. Every call for it, except another
///   removal, fails with [`Error::is_removed`].
/// - Damaged data is never returned. A call on a damaged document fails with an error that
///   [names](Error::is_damaged) it; other documents stay available.
///
/// The log has no clock: callers pass the time. It checks no permissions and no sizes, and it
/// leaves the [seals](leptos_sync_core::history::Witness::seal) of its answers empty.
pub trait DurableLog: Send + Sync + 'static {
    /// Returns the history of a document and the heads of some ids. A document that was never
    /// written has the default history. O(ids + epochs).
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`], [`Error::is_unavailable`], [`Error::is_removed`], and
    /// [`Error::is_limit`] if the name is too long.
    fn open(&self, document: &str, ids: Vec<ReplicaId>) -> BoxFuture<'_, Result<History, Error>>;

    /// Checks whether the log can be read.
    ///
    /// Reads as little as possible and does not queue behind other reads, so that a busy log does
    /// not look like a failed one.
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`] and [`Error::is_unavailable`].
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>>;

    /// Stores the entries of a user in order, until one is refused. `now_ms` is the relay's time.
    ///
    /// The entries before the first refused one are stored, each under its own number.
    ///
    /// # Errors
    ///
    /// Those of [`open`](DurableLog::open), and [`Error::is_limit`] if the user's name is too long.
    fn push(
        &self,
        document: &str,
        user: &str,
        entries: Vec<Entry>,
        now_ms: u64,
    ) -> BoxFuture<'_, Result<PushOutcome, Error>>;

    /// Returns the cells that changed after a number, or `None` if the number is below the horizon.
    /// A page would then lack tombstones that were forgotten.
    ///
    /// A page has the cells of whole numbers, about `bytes` unless one number has more, and at
    /// least one number if there is one. The cost and the memory follow the page, not the document.
    ///
    /// # Errors
    ///
    /// Those of [`open`](DurableLog::open).
    fn page(
        &self,
        document: &str,
        after: Sequence,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Option<Page>, Error>>;

    /// Returns the cells whose encoded paths follow `after`, in the order of encoded paths: about
    /// `bytes`, and at least one cell if there is one.
    ///
    /// # Errors
    ///
    /// Those of [`open`](DurableLog::open).
    fn range(
        &self,
        document: &str,
        after: Option<PathBuf>,
        bytes: usize,
    ) -> BoxFuture<'_, Result<CellRange, Error>>;

    /// Joins cells of any writers, regardless of the floor. Omits cells that are ahead of the
    /// relay's clock and later than `latest`. If `user` is given, also omits cells of ids that are
    /// bound to other users.
    ///
    /// # Errors
    ///
    /// Those of [`open`](DurableLog::open).
    fn join_cells(
        &self,
        document: &str,
        user: Option<&str>,
        cells: Patch,
        now_ms: u64,
        latest: Time,
    ) -> BoxFuture<'_, Result<JoinOutcome, Error>>;

    /// Raises the heads of ids that are bound to this user or to none, and binds them. Returns the
    /// heads of all these ids.
    ///
    /// A head is raised only to a greater number, and never to an earlier time.
    ///
    /// # Errors
    ///
    /// Those of [`push`](DurableLog::push).
    fn raise_heads(
        &self,
        document: &str,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> BoxFuture<'_, Result<HeadsOutcome, Error>>;

    /// Raises the floor to `before`, but at most to just after the document's latest time. Then
    /// forgets the tombstones below the floor that were received before `received_before_ms`.
    ///
    /// In the transaction that removes a tombstone, the horizon rises to the tombstone's number.
    /// The work is cut into transactions of bounded size. A document that was never written is
    /// unchanged.
    ///
    /// # Errors
    ///
    /// Those of [`open`](DurableLog::open). A part of the work may be done after an error; call
    /// again to do the rest.
    fn forget(
        &self,
        document: &str,
        before: Time,
        received_before_ms: u64,
    ) -> BoxFuture<'_, Result<(), Error>>;

    /// Lists names of documents in byte order, from the first or after `after`. Removed documents
    /// are not listed.
    ///
    /// Returns at most `most` names; `most` is clamped to 1 ..=
    /// [`limits::LISTED`](crate::limits::LISTED). An empty page is the end of the list. A caller
    /// that reads all pages may miss documents that are created or removed meanwhile. Damaged names
    /// are skipped. The cost is proportional to the length of the page.
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`] if the list cannot be read, and [`Error::is_unavailable`].
    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Removes the cells and heads of a document, even if it is damaged. Its name and its epochs
    /// stay. A document that was never written is unchanged.
    ///
    /// The removal is durable on return; the space may be freed later.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`], and [`Error::is_limit`] if the name is too long.
    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>>;

    /// Starts a new epoch in all documents.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    fn new_epoch(&self) -> Result<(), Error>;

    /// Returns the key of a relay with this log; `None` by default. The key must stay the same for
    /// as long as clients exist, even if the documents are restored from a backup.
    fn seal_key(&self) -> Option<SealKey> {
        None
    }
}

/// Rejects a document name that is too long.
fn check_name(document: &str) -> Result<(), Error> {
    check_length("document", document, limits::NAME_BYTES)
}

/// Rejects a user name that is too long.
fn check_user(user: &str) -> Result<(), Error> {
    check_length("user", user, limits::USER_BYTES)
}

/// Returns the length of a page for a requested length of `most`.
fn listed(most: usize) -> usize {
    most.clamp(1, limits::LISTED)
}

fn check_length(what: &str, name: &str, limit: usize) -> Result<(), Error> {
    if name.len() <= limit {
        return Ok(());
    }
    Err(Error::limit(format!(
        "{what} name is {} bytes, the limit is {limit}; use a shorter name",
        name.len()
    )))
}
