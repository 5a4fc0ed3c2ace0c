use std::sync::Arc;

use leptos::prelude::{StoredValue, on_cleanup};
use leptos_sync_core::{Error, Root, sync::Permission};

use crate::{
    live::{
        Connection, LiveDoc, Outgoing, Rejections, StatusField, StatusSignal, StatusValues,
        StorageKind,
    },
    node::Node,
    provider::SyncContext,
};

/// The document that [`use_doc`] returns, with its status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UseDocReturn<S: 'static> {
    /// The document as a reactive node. `doc.title()` is the node of its field `title`.
    pub doc: Node<S>,
    /// The document as a handle that no reactive owner owns.
    pub live: LiveDoc<S>,
    /// Whether the stored document is still being read. Until then, the document is empty. Edits
    /// made during that time are merged with the stored document and win over it, so do not write
    /// defaults.
    pub loading: StatusSignal<bool>,
    /// Whether the browser's storage has every edit. Never true while the document is kept in
    /// memory only.
    pub saved: StatusSignal<bool>,
    /// The number of transactions that the browser's storage does not have yet.
    pub unsaved: StatusSignal<usize>,
    /// The place where the document is kept.
    pub storage: StatusSignal<StorageKind>,
    /// Whether the relay has durably stored every edit of this browser, and this page has
    /// everything that the relay has reported. Never true without a relay, or for a document that
    /// was removed at the relay. While the page is offline, others may have made edits that the
    /// page does not know.
    pub synced: StatusSignal<bool>,
    /// The number of this browser's transactions that the relay has not acknowledged, as far as
    /// this page knows.
    pub pending: StatusSignal<usize>,
    /// The state of the exchange with the relay, with the cause if it is not online.
    pub connection: StatusSignal<Connection>,
    /// The user's permission, as the relay last reported it. The report is stored with the document
    /// and is known again once the document is loaded. `None` before the first report, and without
    /// a relay.
    ///
    /// To disable an input for read-only users, write
    /// `disabled=move || permission.get() == Some(Permission::Read)`.
    pub permission: StatusSignal<Option<Permission>>,
    /// The number of other pages that show a presence with [`use_presence`](crate::use_presence).
    /// Other tabs of this browser are included.
    pub peers: StatusSignal<usize>,
    /// The edits that this device or the relay rejected, until they are
    /// [dismissed](crate::status::Rejection::dismiss).
    pub rejected: StatusSignal<Rejections>,
    /// The last error of the storage, such as a failed write or an unreadable record, until it is
    /// resolved.
    pub error: StatusSignal<Option<Arc<Error>>>,
    context: SyncContext,
}

impl<S: Root> UseDocReturn<S> {
    /// Copies everything that the document shows to the document `name`, in this user's name.
    ///
    /// The copy is a document like any other: it is stored, and exchanged with the relay if the
    /// user may write it. [`use_doc`] opens it. Use this to keep what the user wrote in a document
    /// that was [removed at the relay](Connection::Removed), or that the user may no longer edit.
    ///
    /// If the document `name` has content, the copied values win over it, and counters add up.
    /// While the document is [`loading`](UseDocReturn::loading), the stored part is not shown and
    /// not copied. A large document is copied in several transactions. O(size of the document).
    ///
    /// # Errors
    ///
    /// - [`Error::is_nested`] inside an edit of one of the two documents.
    /// - [`Error::is_clock`] if the page's clock does not count milliseconds.
    /// - [`Error::is_unavailable`] if the system has no source of randomness.
    ///
    /// An error copies nothing.
    ///
    /// ```
    /// use leptos::prelude::*;
    /// use leptos_sync_web::{Connection, Crdt, LwwRegister, use_doc};
    ///
    /// #[derive(Crdt, Clone, Default)]
    /// struct Note {
    ///     text: LwwRegister<String>,
    /// }
    ///
    /// /// Asks what to do with a note that was removed at the relay. `name` is that of the note.
    /// #[component]
    /// fn Removed(name: RwSignal<String>) -> impl IntoView {
    ///     let note = use_doc::<Note>(&name.get_untracked());
    ///     let (kept, discarded) = (note.clone(), note.clone());
    ///     let keep = move |_| {
    ///         let copy = format!("{}-copy", name.get_untracked());
    ///         if kept.copy_to(&copy).is_ok() {
    ///             name.set(copy);
    ///         }
    ///     };
    ///     view! {
    ///         <Show when=move || note.connection.get() == Connection::Removed>
    ///             <button on:click=keep.clone()>"Keep a copy"</button>
    ///         </Show>
    ///         <button on:click=move |_| discarded.discard()>"Delete on this device"</button>
    ///     }
    /// }
    /// ```
    pub fn copy_to(&self, name: &str) -> Result<(), Error> {
        self.context.open::<S>(name).copy_from(&self.live)
    }

    /// Deletes the document on this device, including the edits that the relay does not have. Those
    /// edits are lost.
    ///
    /// All tabs of this browser that have the document open show an empty one a moment later, and
    /// none of them writes the deleted data again. The relay keeps its copy. If it has not removed
    /// the document, the page reads it again, as on a new device. If nothing can be deleted, the
    /// status signal `error` says why, and the document stays.
    ///
    /// Without a relay, this deletes the only copy.
    pub fn discard(&self) {
        let discard = Outgoing::Run(crate::actor::discard::<S>);
        self.live.status().outgoing.push(discard);
    }
}

/// Options of [`use_doc_with_options`].
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{Crdt, LwwRegister, UseDocOptions, use_doc_with_options};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
/// }
///
/// #[component]
/// fn Title() -> impl IntoView {
///     let options = UseDocOptions::default().ask_persistence(true);
///     let page = use_doc_with_options::<Page>("page", options).doc;
///     view! { <input bind:value=page.title() /> }
/// }
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UseDocOptions {
    ask_persistence: bool,
}

impl UseDocOptions {
    /// Asks the browser, after the first edit of the document, not to evict this site's data when
    /// space runs short.
    ///
    /// Some browsers ask the user; others decide on their own.
    #[must_use]
    pub fn ask_persistence(mut self, ask: bool) -> Self {
        self.ask_persistence = ask;
        self
    }
}

/// Opens the document `name`, which is stored in the browser: it is available when the page opens,
/// and every edit is saved.
///
/// All callers that pass the same name share one document. The node belongs to the reactive owner
/// that calls this. Documents that are saved and unused can be evicted if more than
/// [`limits::OPEN_DOCUMENTS`](leptos_sync_core::limits::OPEN_DOCUMENTS) are open, or more than the
/// page exchanges at a time ([`SyncOptions::max_documents`](crate::SyncOptions::max_documents)). An
/// evicted document is loaded again when it is opened.
///
/// Open a document as one type only. The page exchanges it with the relay as the type with which it
/// was opened first. If it is open as a second type, the status signal `error` of that one says so,
/// and that one is not exchanged until the page is reloaded.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{Crdt, GCounter, LwwRegister, UseDocReturn, use_doc};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
///     visits: GCounter,
/// }
///
/// #[component]
/// fn Title() -> impl IntoView {
///     let UseDocReturn { doc, saved, .. } = use_doc::<Page>("page");
///     view! {
///         <input bind:value=doc.title() />
///         <button on:click=move |_| doc.visits().increment(1)>
///             {move || doc.visits().get()}
///         </button>
///         <p>{move || if saved.get() { "saved" } else { "saving" }}</p>
///     }
/// }
/// ```
#[track_caller]
pub fn use_doc<S: Root>(name: &str) -> UseDocReturn<S> {
    use_doc_with_options(name, UseDocOptions::default())
}

/// Opens a document like [`use_doc`], with options.
#[track_caller]
pub fn use_doc_with_options<S: Root>(name: &str, options: UseDocOptions) -> UseDocReturn<S> {
    let context = SyncContext::current();
    let live = context.open::<S>(name);
    // Run this after the owner's nodes are dropped, since each of them uses the document.
    let evicts = context.clone();
    on_cleanup(move || crate::actor::run_soon(move || evicts.evict()));
    let status = StoredValue::new(Arc::clone(live.status()));
    let unsaved = StatusSignal::new(status, StatusField::Unsaved, |status| status.unsaved);
    if options.ask_persistence {
        crate::actor::ask_persistence(unsaved);
    }
    UseDocReturn {
        doc: live.node(),
        loading: StatusSignal::new(status, StatusField::Loading, |status| status.loading),
        saved: StatusSignal::new(status, StatusField::Saved, StatusValues::is_saved),
        unsaved,
        storage: StatusSignal::new(status, StatusField::Storage, |status| status.storage),
        synced: StatusSignal::new(status, StatusField::Synced, StatusValues::is_synced),
        pending: StatusSignal::new(status, StatusField::Pending, |status| status.pending),
        connection: StatusSignal::new(status, StatusField::Connection, |status| {
            status.connection.clone()
        }),
        permission: StatusSignal::new(status, StatusField::Permission, |status| status.permission),
        peers: StatusSignal::new(status, StatusField::Peers, |status| status.peers.len()),
        rejected: StatusSignal::new(status, StatusField::Rejected, |status| {
            status.rejected.clone()
        }),
        error: StatusSignal::new(status, StatusField::Error, |status| status.error.clone()),
        live,
        context,
    }
}
