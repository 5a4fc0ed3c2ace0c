//! A document that tells the reactive graph what changed.

mod connection;
mod doc_state;
mod edit;
mod editing;
#[cfg_attr(not(feature = "stream"), path = "feed_absent.rs")]
mod feed;
mod mailbox;
mod rejection;
mod signal;
mod status;
mod storage_kind;
mod triggers;

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
    rejection::AnyState,
    signal::StoredStatus,
    status::{Outgoing, Status, StatusField, StatusValues},
    triggers::{Triggers, What},
};
use self::{editing::Editing, feed::Feed};
use crate::node::Node;

/// A [`Doc`] whose every change notifies exactly the signals that show what changed.
///
/// `Clone` gives another handle to the same document; handles are `Send + Sync`. Reading never
/// blocks writing: a reader holds the state as it was, and a write while one does pays for copying
/// the state once.
///
/// [`use_doc`](crate::use_doc) makes one that is kept in the browser. It does not know where it is
/// stored.
pub struct LiveDoc<S> {
    inner: Arc<Inner<S>>,
}

/// A document of any type. Each handle, and each node that is alive, counts as one of its owners.
pub(crate) type AnyDoc = dyn Any + Send + Sync;

struct Inner<S> {
    state: RwLock<DocState<S>>,
    editing: Editing<S>,
    triggers: Triggers,
    feed: Feed,
    status: Arc<Status>,
}

impl<S: Root> LiveDoc<S> {
    /// Makes a document reactive.
    pub fn new(doc: Doc<S>) -> Self {
        Self::with_outbox(doc, None)
    }

    /// Makes a document reactive. `outbox` keeps its transactions until the relay has them; `None`
    /// where there is no relay.
    pub(crate) fn with_outbox(doc: Doc<S>, outbox: Option<Outbox>) -> Self {
        let status = Arc::new(Status::new(outbox.is_some()));
        let outbox = outbox.unwrap_or_else(Outbox::without_relay);
        Self {
            inner: Arc::new(Inner {
                state: RwLock::new(DocState { doc, outbox }),
                editing: Editing::new(),
                triggers: Triggers::default(),
                feed: Feed::new(),
                status,
            }),
        }
    }

    /// The reactive node of the whole document, which belongs to the current reactive owner.
    pub fn node(&self) -> Node<S> {
        Node::new(Arc::new(self.clone()))
    }

    /// Joins the changes of another copy; see [`Doc::apply`]. They are not stored again: the caller
    /// knows where the delta came from.
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

    /// Returns which operations are contained.
    ///
    /// Inside an edit that has begun to write the version is empty, and the edit is cancelled.
    pub fn version(&self) -> VersionVector {
        self.with_doc(|doc| doc.version().clone())
    }

    /// The changes from now on: the delta of each edit that is made here, and each that is applied;
    /// and what is loaded from the storage, as one. Costs nothing before it is called, then a copy
    /// of each delta.
    ///
    /// A reader that was too slow is told so by [`Lagged`](leptos_sync_core::stream::Lagged), and resumes
    /// by [`delta_since`](LiveDoc::delta_since) the version that it had reached; so does one that
    /// finds a gap, which edits on several threads at once may leave. The stream ends with the
    /// document's last handle, and where a state was loaded of which there is no delta, since
    /// tombstones were forgotten: then subscribe again and start from the
    /// [`snapshot`](LiveDoc::snapshot).
    #[cfg(feature = "stream")]
    pub fn changes(&self) -> leptos_sync_core::stream::ChangeStream<Delta> {
        self.inner.feed.subscribe()
    }

    /// Looks at the document as it is now. Nothing is tracked, and nothing is locked while `look`
    /// runs.
    ///
    /// O(replicas that wrote the document). If `look` edits the document, that edit copies the
    /// state.
    ///
    /// Inside an edit that has begun to write the document is empty, and the edit is cancelled.
    pub fn with_doc<R>(&self, look: impl FnOnce(&Doc<S>) -> R) -> R {
        let doc = self.fork();
        look(&doc.unwrap_or_else(|_| Doc::new(Clock::system(ReplicaId::default()))))
    }

    pub(crate) fn status(&self) -> &Arc<Status> {
        &self.inner.status
    }

    /// The document without its type.
    pub(crate) fn as_any(&self) -> Arc<AnyDoc> {
        Arc::clone(&self.inner) as Arc<AnyDoc>
    }

    /// The document, if it is of this type.
    pub(crate) fn downcast(any: &Arc<AnyDoc>) -> Option<Self> {
        let inner = Arc::clone(any).downcast().ok()?;
        Some(Self { inner })
    }

    /// Takes in what was stored, or a whole state. Everything that shows the document is notified,
    /// and the streams of changes are told what has come.
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

    /// Reports transactions that were rolled back, or restamped. No delta says that: the streams of
    /// changes end, and everything that shows the document is notified.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn rolled_back(&self) {
        self.inner.feed.end();
        self.changed();
    }

    #[cfg(target_arch = "wasm32")]
    fn changed(&self) {
        self.update_pending();
        self.inner.triggers.notify_all();
    }

    /// What the relay lacks, as far as is known, may have become another.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn update_pending(&self) {
        let pending =
            |DocState { doc, outbox }: &mut DocState<S>| outbox.len() + outbox.unknown(doc);
        let pending = self.with_state(pending);
        self.inner
            .status
            .change(&mut |status| status.pending = pending);
    }

    /// Joins a delta in the way that `join` says, from wherever it was stored already.
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

    /// Looks at the document and its outbox, or changes them in a way that shows nowhere.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn with_state<R>(&self, work: impl FnOnce(&mut DocState<S>) -> R) -> R {
        work(&mut self.inner.state.write())
    }

    fn notify(&self, changes: &Changes) {
        self.inner.triggers.notify(changes);
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
