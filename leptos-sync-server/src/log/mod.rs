//! Durable storage for documents: the trait and its implementations.

#[cfg(feature = "testing")]
pub mod conformance;

#[cfg(feature = "sqlite")]
mod database;
mod head;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;
pub(crate) mod v2;

use std::collections::BTreeSet;

use futures::{FutureExt as _, future::BoxFuture};
use leptos_sync_core::{Delta, ReplicaId, Snapshot, Time, VersionVector};

use crate::{error::Error, limits};

#[cfg(feature = "sqlite")]
pub use database::SqliteOptions;
pub(crate) use head::{Head, Reach};
pub use memory::MemoryLog;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteLog;

/// A durable storage of documents, which are kept as last-writer-wins cells with their versions.
///
/// A document is equivalent to a `Doc<CellMap>` in memory, so it does not grow with its history.
/// The first [`append`](DurableLog::append) or [`claim`](DurableLog::claim) creates it.
///
/// # Laws
///
/// - Durability: once a call returns `Ok`, its effect survives any crash.
/// - Atomicity: a call takes effect entirely or not at all. Calls for one document take effect one
///   after the other.
/// - Cancellation: if a future is dropped, the call took effect entirely or not at all.
/// - Consistency: [`since`](DurableLog::since) and [`state`](DurableLog::state) see a document at
///   one moment, including everything acknowledged before the call.
/// - Join: at each path the cell with the greater stamp wins. Among equal stamps the greater bytes
///   win, and a tombstone loses to any value. A cell that the version contains is skipped.
/// - A version never claims an operation that is not contained.
/// - Damaged data is never returned. A call on a damaged document fails with an error that
///   [names](Error::is_damaged) it; other documents stay available.
///
/// The log knows no user types, no clocks and no drift. The relay checks permissions and times
/// before it calls the log.
pub trait DurableLog: Send + Sync + 'static {
    /// Returns the metadata of a document, or the default if it was never written.
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`], [`Error::is_unavailable`], and [`Error::is_limit`] if the name is too
    /// long.
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>>;

    /// Checks whether the log can be read.
    ///
    /// Reads as little as possible and does not queue behind other reads, so that a busy log does
    /// not look like a failed one. The default implementation reads the state of a document.
    ///
    /// # Errors
    ///
    /// Those of [`state`](DurableLog::state).
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        async { self.state("").await.map(drop) }.boxed()
    }

    /// Joins deltas in order, all or none. On return, they are durable, and the version covers the
    /// `upto` of each.
    ///
    /// A log may join a single delta of more than
    /// [`TRANSACTION_CELLS`](leptos_sync_core::limits::TRANSACTION_CELLS) cells in steps, so that
    /// others do not wait for it. In that case, some of its cells may be visible before the version
    /// covers them, and stay if the call fails or is interrupted. Such a delta is not a
    /// transaction, and its sender sends it again.
    ///
    /// # Errors
    ///
    /// - [`Error::is_gap`] if the version does not cover a delta's `after`.
    /// - [`Error::is_stale`] if a new cell has a stamp below the floor.
    /// - [`Error::is_limit`] if more than [`limits::REPLICAS`](leptos_sync_core::limits::REPLICAS)
    ///   replicas would have written the document.
    /// - The errors of [`state`](DurableLog::state).
    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>>;

    /// Binds the replica ids in deltas to a user, like [`bind`](DurableLog::bind), and joins the
    /// deltas like [`append`](DurableLog::append). Does both or neither.
    ///
    /// Returns the ids that are bound to another user; if there are any, the call does nothing.
    ///
    /// # Errors
    ///
    /// Those of [`append`](DurableLog::append) and [`bind`](DurableLog::bind). After an error, no
    /// id is bound that was not bound before.
    fn append_as(
        &self,
        document: &str,
        deltas: Vec<Delta>,
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>>;

    /// Marks operations up to `upto` as rejected for good.
    ///
    /// From then on, the version covers them, and their cells are never accepted. The change is
    /// durable on return.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] as for [`append`](DurableLog::append), and the errors of
    /// [`state`](DurableLog::state).
    fn claim(&self, document: &str, upto: VersionVector) -> BoxFuture<'_, Result<(), Error>>;

    /// Returns the operations that a replica at `version` lacks, in parts of about `bytes` each.
    ///
    /// The cost is proportional to what changed, unless the implementation documents otherwise.
    ///
    /// # Errors
    ///
    /// The errors of [`state`](DurableLog::state).
    fn since(
        &self,
        document: &str,
        version: &VersionVector,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Since, Error>>;

    /// Forgets tombstones older than `before`, which becomes the floor.
    ///
    /// The horizon then covers all operations below the floor that the document contains, and the
    /// log rejects any other operation below it. The work is cut into transactions of bounded size.
    /// The call has no effect if `before` is not above the floor, or if the document was never
    /// written.
    ///
    /// # Errors
    ///
    /// The errors of [`state`](DurableLog::state). The floor may have risen before the error; call
    /// again to forget the rest.
    fn forget_tombstones(&self, document: &str, before: Time) -> BoxFuture<'_, Result<(), Error>>;

    /// Lists names of documents in byte order, from the first or after `after`.
    ///
    /// Returns at most `most` names; `most` is clamped to 1 ..= [`limits::LISTED`]. An empty page
    /// is the end of the list. A caller that reads all pages may miss documents that are created or
    /// removed meanwhile. Damaged names are skipped. The cost is proportional to the length of the
    /// page.
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`] if the list cannot be read, and [`Error::is_unavailable`].
    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Binds replica ids to a user, in all documents.
    ///
    /// Returns the ids that are bound to another user; if there are any, the call binds nothing.
    /// The bindings are durable on return.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the user's name is too long, [`Error::is_damaged`],
    /// [`Error::is_unavailable`].
    fn bind(
        &self,
        replicas: &[ReplicaId],
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>>;

    /// Removes a document and all its data, even if it is damaged. The removal is durable on
    /// return; the space may be freed later.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`], and [`Error::is_limit`] if the name is too long.
    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>>;
}

/// The metadata of a document. A new one is [`DocumentState::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentState {
    /// The operations that the document contains.
    pub version: VersionVector,
    /// The operations up to which tombstones were forgotten. A replica that lacks any of them needs
    /// a snapshot.
    pub horizon: VersionVector,
    /// The time below which new operations are rejected.
    pub floor: Time,
}

/// The operations of a document that a replica lacks.
///
/// There is at least one part. Each part has the versions of the whole. The receiver reassembles
/// all parts before it joins them.
#[derive(Clone, Debug)]
pub enum Since {
    /// The cells that changed.
    Delta(Vec<Delta>),
    /// All cells, because the replica lacks a forgotten tombstone.
    Snapshot(Vec<Snapshot>),
}

/// Returns the replica ids in the versions of deltas.
pub(crate) fn replicas(deltas: &[Delta]) -> Vec<ReplicaId> {
    let versions = deltas
        .iter()
        .flat_map(|delta| [delta.upto(), delta.cells_upto()]);
    let all: BTreeSet<_> = versions
        .flat_map(|version| version.iter().map(|(replica, _)| replica))
        .collect();
    all.into_iter().collect()
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
