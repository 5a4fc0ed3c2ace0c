//! Documents that notify the reactive graph of changes.

mod connection;
mod doc_state;
mod edit;
mod editing;
#[cfg_attr(not(feature = "stream"), path = "feed_absent.rs")]
mod feed;
mod mailbox;
mod name_table;
mod path_table;
mod rejection;
mod signal;
mod status;
mod storage_kind;

use std::{any::Any, sync::Arc};

use crate::lock::RwLock;
use leptos_sync_core::{
    Changes, Clock, Delta, Doc, Error, ReplicaId, Root, Snapshot, VersionVector, replica::Replica,
};
#[cfg(target_arch = "wasm32")]
use leptos_sync_core::{history::Patch, replica::Pending};

#[cfg(target_arch = "wasm32")]
pub(crate) use self::status::Present;
pub use self::{
    connection::{Cause, Connection},
    rejection::{Rejection, Rejections},
    signal::StatusSignal,
    storage_kind::StorageKind,
};
pub(crate) use self::{
    doc_state::DocState,
    mailbox::Mailbox,
    path_table::{PathTable, Trigger, TriggerKind},
    rejection::AnyState,
    signal::StoredStatus,
    status::{Outgoing, Status, StatusField, StatusValues},
};
use self::{editing::Editing, feed::Feed};
use crate::node::Node;

/// A [`Doc`] that notifies exactly the signals whose values changed.
///
/// `Clone` returns another handle to the same document. Handles are `Send + Sync`. Reading never
/// blocks writing: a reader keeps the state that it has read, and a write during that time copies
/// the state once.
///
/// [`use_doc`](crate::use_doc) creates one that is stored in the browser. A `LiveDoc` does not know
/// where it is stored.
pub struct LiveDoc<S> {
    inner: Arc<Inner<S>>,
}

/// A document of any type. The live handles and nodes own it.
pub(crate) type AnyDoc = dyn Any + Send + Sync;

struct Inner<S> {
    state: RwLock<DocState<S>>,
    editing: Editing<S>,
    table: Arc<PathTable>,
    feed: Feed,
    status: Arc<Status>,
}

impl<S: Root> LiveDoc<S> {
    /// Creates a reactive document from `doc`.
    pub fn new(doc: Doc<S>) -> Self {
        Self::of_replica(Replica::of_versioned(doc), false)
    }

    /// Creates a reactive document from `replica`. `has_relay` is true if a relay exchanges it.
    pub(crate) fn of_replica(replica: Replica<S>, has_relay: bool) -> Self {
        let table = Arc::default();
        let status = Arc::new(Status::new(has_relay, Arc::clone(&table)));
        Self {
            inner: Arc::new(Inner {
                state: RwLock::new(DocState { replica, has_relay }),
                editing: Editing::new(),
                table,
                feed: Feed::new(),
                status,
            }),
        }
    }

    /// Returns the reactive node of the whole document, which belongs to the current reactive
    /// owner.
    pub fn node(&self) -> Node<S> {
        Node::of_document(Arc::new(self.clone()))
    }

    /// Joins the changes of another copy; see [`Doc::apply`].
    ///
    /// # Errors
    ///
    /// - As for [`Doc::apply`].
    /// - [`Error::is_nested`] inside an edit of the same document.
    /// - [`Error::is_unsupported`] for a document of [`use_doc`](crate::use_doc), which the page
    ///   stores and exchanges. Edit it instead.
    pub fn apply(&self, delta: &Delta) -> Result<(), Error> {
        let mut state = self.write()?;
        let changes = state.replica.apply(delta)?;
        drop(state);
        self.inner.feed.send(delta);
        self.notify(&changes);
        Ok(())
    }

    /// Returns the cells that are beyond `version`; see [`Doc::delta_since`].
    ///
    /// # Errors
    ///
    /// - As for [`Doc::delta_since`].
    /// - [`Error::is_nested`] inside an edit that has begun to write.
    /// - [`Error::is_unsupported`] for a document of [`use_doc`](crate::use_doc), which has no
    ///   versions. Use its [`snapshot`](LiveDoc::snapshot).
    pub fn delta_since(&self, version: &VersionVector) -> Result<Delta, Error> {
        self.fork()?.delta_since(version)
    }

    /// Returns the whole state; see [`Doc::snapshot`].
    ///
    /// # Errors
    ///
    /// As for [`Doc::snapshot`], and [`Error::is_nested`] inside an edit that has begun to write.
    pub fn snapshot(&self) -> Result<Snapshot, Error> {
        self.fork()?.snapshot()
    }

    /// Returns the operations that the document contains. The version of a document of
    /// [`use_doc`](crate::use_doc) is always empty.
    ///
    /// Inside an edit that has begun to write, the version is empty, and the edit is cancelled.
    pub fn version(&self) -> VersionVector {
        self.with_doc(|doc| doc.version().clone())
    }

    /// Returns a stream of all later changes: the delta of each local edit, each applied delta, and
    /// what the relay or another tab sent. Costs nothing before the first call, and a copy of each
    /// delta afterwards. The deltas of a document of [`use_doc`](crate::use_doc) have no versions.
    ///
    /// A reader that is too slow receives [`Lagged`](leptos_sync_core::stream::Lagged), and resumes
    /// with [`delta_since`](LiveDoc::delta_since) from its own version, or with the
    /// [`snapshot`](LiveDoc::snapshot) of a document without versions. Edits on several threads may
    /// leave a gap; a reader that finds one resumes in the same way. The stream ends with the
    /// document's last handle, and when the document changes in a way that no delta expresses: it
    /// is loaded, an edit is rolled back, or it is compared with a relay that was restored from a
    /// backup. In that case, subscribe again and start from the snapshot.
    #[cfg(feature = "stream")]
    pub fn changes(&self) -> leptos_sync_core::stream::ChangeStream<Delta> {
        self.inner.feed.subscribe()
    }

    /// Passes the current document to `look`. Tracks nothing, and holds no lock while `look` runs.
    ///
    /// O(replicas that wrote the document). If `look` edits the document, that edit copies the
    /// state.
    ///
    /// Inside an edit that has begun to write, the document is empty, and the edit is cancelled.
    pub fn with_doc<R>(&self, look: impl FnOnce(&Doc<S>) -> R) -> R {
        let doc = self.fork();
        look(&doc.unwrap_or_else(|_| Doc::new(Clock::system(ReplicaId::default()))))
    }

    pub(crate) fn status(&self) -> &Arc<Status> {
        &self.inner.status
    }

    /// Returns the document without its type.
    pub(crate) fn as_any(&self) -> Arc<AnyDoc> {
        Arc::clone(&self.inner) as Arc<AnyDoc>
    }

    /// Returns the document if its state has the type `S`.
    pub(crate) fn downcast(any: &Arc<AnyDoc>) -> Option<Self> {
        let inner = Arc::clone(any).downcast().ok()?;
        Some(Self { inner })
    }

    /// Reports that the document has changed in a way that no delta expresses. The streams of
    /// changes end, and everything that shows the document is notified.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn replaced(&self) {
        self.inner.feed.end();
        self.update_pending();
        self.inner.table.notify_all();
    }

    /// Changes the replica, and notifies everything that shows what has changed. `cells` contains
    /// the change; without it, the streams of changes end if there is one.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn update(
        &self,
        cells: Option<&Patch>,
        change: &mut dyn FnMut(&mut Replica<S>) -> Result<Changes, Error>,
    ) -> Result<(), Error> {
        let changes = change(&mut self.inner.state.write().replica)?;
        match cells {
            Some(cells) => self.inner.feed.send_cells(cells),
            None if changes.is_empty() => {}
            None => self.inner.feed.end(),
        }
        self.update_pending();
        self.notify(&changes);
        Ok(())
    }

    /// Updates the number of unacknowledged transactions, and whether the document is equal to the
    /// relay's.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn update_pending(&self) {
        let (pending, is_current) = {
            let state = self.inner.state.read();
            let unstored = |one: &&Pending| state.has_relay && one.entry().stored.is_none();
            let pending = state.replica.entries().iter().filter(unstored).count();
            (pending, state.replica.is_current())
        };
        self.inner.status.change(&mut |status| {
            status.pending = pending;
            status.is_current = is_current;
        });
    }

    /// Returns whether an edit is in progress. One that has trapped stays in progress.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn is_locked(&self) -> bool {
        self.inner.state.try_write().is_none()
    }

    /// Passes the replica to `work`. Changes by `work` notify no signals.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn with_replica<R>(&self, work: impl FnOnce(&mut Replica<S>) -> R) -> R {
        work(&mut self.inner.state.write().replica)
    }

    fn notify(&self, changes: &Changes) {
        self.inner.table.notify(changes);
    }
}

impl<S> Clone for LiveDoc<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S> std::fmt::Debug for LiveDoc<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LiveDoc").finish_non_exhaustive()
    }
}
