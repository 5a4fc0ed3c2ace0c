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
    Changes, Clock, Delta, Doc, Error, Outbox, ReplicaId, Root, Snapshot, VersionVector,
};

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
        Self::with_outbox(doc, None)
    }

    /// Creates a reactive document from `doc`. `outbox` keeps its transactions until the relay has
    /// acknowledged them; it is `None` without a relay.
    pub(crate) fn with_outbox(doc: Doc<S>, outbox: Option<Outbox>) -> Self {
        let table = Arc::default();
        let status = Arc::new(Status::new(outbox.is_some(), Arc::clone(&table)));
        let outbox = outbox.unwrap_or_else(Outbox::without_relay);
        Self {
            inner: Arc::new(Inner {
                state: RwLock::new(DocState { doc, outbox }),
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

    /// Joins the changes of another copy; see [`Doc::apply`]. They are not stored again, since the
    /// caller knows the origin of the delta.
    ///
    /// # Errors
    ///
    /// As for [`Doc::apply`], and [`Error::is_nested`] inside an edit of the same document.
    pub fn apply(&self, delta: &Delta) -> Result<(), Error> {
        let mut state = self.write()?;
        let DocState { doc, outbox } = &mut *state;
        let changes = outbox.apply(doc, delta)?;
        drop(state);
        self.inner.feed.send(delta);
        #[cfg(target_arch = "wasm32")]
        self.update_pending();
        self.inner
            .status
            .change(&mut |status| status.applied = true);
        self.notify(&changes);
        Ok(())
    }

    /// Returns the cells that are beyond `version`; see [`Doc::delta_since`].
    ///
    /// # Errors
    ///
    /// As for [`Doc::delta_since`], and [`Error::is_nested`] inside an edit that has begun to
    /// write.
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

    /// Returns the operations that the document contains.
    ///
    /// Inside an edit that has begun to write, the version is empty, and the edit is cancelled.
    pub fn version(&self) -> VersionVector {
        self.with_doc(|doc| doc.version().clone())
    }

    /// Returns a stream of all later changes: the delta of each local edit, each applied delta, and
    /// one delta for the stored document when it is loaded. Costs nothing before the first call,
    /// and a copy of each delta afterwards.
    ///
    /// A reader that is too slow receives [`Lagged`](leptos_sync_core::stream::Lagged), and resumes
    /// with [`delta_since`](LiveDoc::delta_since) from its own version. Edits on several threads
    /// may leave a gap; a reader that finds one resumes in the same way. The stream ends with the
    /// document's last handle, and when a state is loaded that cannot be expressed as a delta
    /// because tombstones were forgotten. In that case, subscribe again and start from the
    /// [`snapshot`](LiveDoc::snapshot).
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

    /// Joins the stored document, or a whole state. Notifies everything that shows the document,
    /// and sends the changes to the streams.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn replace<R>(&self, change: impl FnOnce(&mut DocState<S>) -> R) -> R {
        let mut state = self.inner.state.write();
        let before = self.inner.feed.before(&state.doc);
        let result = change(&mut state);
        let since = Feed::since(before, &state.doc);
        drop(state);
        self.inner.feed.tell(since);
        self.changed();
        result
    }

    /// Reports transactions that were rolled back, or restamped. No delta expresses that, so the
    /// streams of changes end, and everything that shows the document is notified.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn rolled_back(&self) {
        self.inner.feed.end();
        self.changed();
    }

    #[cfg(target_arch = "wasm32")]
    fn changed(&self) {
        self.update_pending();
        self.inner.table.notify_all();
    }

    /// Updates the number of unacknowledged transactions.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn update_pending(&self) {
        let pending =
            |DocState { doc, outbox }: &mut DocState<S>| outbox.len() + outbox.unknown(doc);
        let pending = self.with_state(pending);
        self.inner
            .status
            .change(&mut |status| status.pending = pending);
    }

    /// Joins a delta with `join`. The delta is already stored.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn join(
        &self,
        delta: &Delta,
        join: &mut dyn FnMut(&mut DocState<S>) -> Result<Changes, Error>,
    ) -> Result<(), Error> {
        let mut state = self.inner.state.write();
        let changes = join(&mut state)?;
        drop(state);
        self.inner.feed.send(delta);
        self.update_pending();
        self.notify(&changes);
        Ok(())
    }

    /// Passes the document and its outbox to `work`. Changes by `work` notify no signals.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn with_state<R>(&self, work: impl FnOnce(&mut DocState<S>) -> R) -> R {
        work(&mut self.inner.state.write())
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
