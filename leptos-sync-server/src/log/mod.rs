//! Documents that outlive the process: the trait, and what implements it.

#[cfg(feature = "testing")]
pub mod conformance;

mod head;
mod memory;
#[cfg(feature = "sqlite")]
mod sqlite;

use futures::{FutureExt as _, future::BoxFuture};
use leptos_sync_core::{Delta, ReplicaId, Snapshot, Time, VersionVector};

use crate::{error::Error, limits};

pub(crate) use head::{Head, Reach};
pub use memory::MemoryLog;
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteLog, SqliteOptions};

/// Documents kept durably, as last-writer-wins cells with their versions.
///
/// A document is what `Doc<CellMap>` is in memory, so it does not grow with its history. It comes into being with the
/// first [`append`](DurableLog::append) or [`claim`](DurableLog::claim).
///
/// # Laws
///
/// - What is acknowledged with `Ok` is durable: it is there whatever happens to the process from then on.
/// - A call takes effect whole or not at all, and calls for one document one after the other.
/// - A dropped future has taken effect or not; if it has, whole.
/// - [`since`](DurableLog::since) and [`state`](DurableLog::state) see a document as it was at one moment, and everything
///   that was acknowledged before they were called.
/// - The cells at a path are joined as everywhere: the greater stamp stays, of equal stamps the greater bytes, a tombstone
///   being least. A cell that the version contains is passed over.
/// - A version never claims what is not contained.
/// - Damage is never served. What is damaged is an error that [names](Error::is_damaged) its document; other documents go on.
///
/// It does not know users' types, clocks or drift: who may write what, and when, is asked before.
pub trait DurableLog: Send + Sync + 'static {
    /// What is known of a document. One that was never written has the default.
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`], [`Error::is_unavailable`], [`Error::is_limit`] where the name is too long.
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>>;

    /// Whether the log can be read: reads as little as shows it, and does not wait for what others read, so that one which is
    /// busy does not look like one which is gone. Unless it is implemented, the state of a document is read.
    ///
    /// # Errors
    ///
    /// Those of [`state`](DurableLog::state).
    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        async { self.state("").await.map(drop) }.boxed()
    }

    /// Joins deltas in their order, all or none. When it returns they are durable, and the version covers the `upto` of each.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] where the version does not cover a delta's `after`; [`Error::is_stale`] where a cell that is new
    /// here is stamped below the floor; [`Error::is_limit`] where the document would have operations of more than
    /// [`limits::REPLICAS`](leptos_sync_core::limits::REPLICAS) replicas; and those of [`state`](DurableLog::state).
    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>>;

    /// Takes note that operations up to there were refused for good: the version covers them, and no cell comes. Durable when
    /// it returns.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] as for [`append`](DurableLog::append), and those of [`state`](DurableLog::state).
    fn claim(&self, document: &str, upto: VersionVector) -> BoxFuture<'_, Result<(), Error>>;

    /// What somebody at `version` lacks, in parts of about `bytes` each. Costs what changed, as far as nothing says
    /// otherwise at the implementation.
    ///
    /// # Errors
    ///
    /// Those of [`state`](DurableLog::state).
    fn since(
        &self,
        document: &str,
        version: &VersionVector,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Since, Error>>;

    /// Forgets the tombstones that are older than `before`, which is the floor from then on: the horizon covers what the
    /// version contains below it, and operations below it that are not here yet are refused. Work of bounded size a
    /// transaction. An earlier floor than there is, or a document that was never written, changes nothing.
    ///
    /// # Errors
    ///
    /// Those of [`state`](DurableLog::state). The floor may have risen then; call again to forget the rest.
    fn forget_tombstones(&self, document: &str, before: Time) -> BoxFuture<'_, Result<(), Error>>;

    /// Names of documents in the order of their bytes, from the first or from behind `after`: at most `most`, which counts as at
    /// least one and at most [`limits::LISTED`]. None are left where none are told. So all are gone through a page at a time;
    /// what comes or goes meanwhile may be told or not. Costs what is told. A document whose name is damaged is passed over.
    ///
    /// # Errors
    ///
    /// [`Error::is_damaged`] where the list cannot be read, [`Error::is_unavailable`].
    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>>;

    /// Binds replica ids to a user where they are bound to nobody yet, in all documents. Returns those that are bound to
    /// somebody else; if there are any, nothing is bound. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] where the user's name is too long, [`Error::is_damaged`], [`Error::is_unavailable`].
    fn bind(
        &self,
        replicas: &[ReplicaId],
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>>;

    /// Removes a document with everything of it, also a damaged one. Durable when it returns; its room may be freed later.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`], [`Error::is_limit`] where the name is too long.
    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>>;
}

/// What is known of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentState {
    /// Which operations are contained.
    pub version: VersionVector,
    /// Up to where tombstones were forgotten: who lacks something of it needs a snapshot.
    pub horizon: VersionVector,
    /// Below it no operation is taken that is not here yet.
    pub floor: Time,
}

/// What somebody lacks of a document. Parts are at least one, all carry the versions of the whole, and are to be put
/// together again before they are joined.
#[derive(Clone, Debug)]
pub enum Since {
    /// What changed, in parts.
    Delta(Vec<Delta>),
    /// Everything, in parts: tombstones were forgotten that are beyond the version.
    Snapshot(Vec<Snapshot>),
}

/// Refuses the name of a document that is too long.
fn check_name(document: &str) -> Result<(), Error> {
    check_length("document", document, limits::NAME_BYTES)
}

/// Refuses the name of a user that is too long.
fn check_user(user: &str) -> Result<(), Error> {
    check_length("user", user, limits::USER_BYTES)
}

/// How many names to tell of `most`.
fn listed(most: usize) -> usize {
    most.clamp(1, limits::LISTED)
}

fn check_length(what: &str, name: &str, limit: usize) -> Result<(), Error> {
    if name.len() <= limit {
        return Ok(());
    }
    Err(Error::limit(format!(
        "the name of a {what} has {} bytes, which is more than the {limit} allowed; use a shorter one",
        name.len()
    )))
}
