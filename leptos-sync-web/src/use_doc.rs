use std::sync::Arc;

use leptos::prelude::StoredValue;
use leptos_sync_core::{Error, Root};

use crate::{
    live::{Connection, LiveDoc, Refusal, StatusSignal, StorageKind},
    node::Node,
    provider::SyncContext,
};

/// What [`use_doc`] gives: the document, and what is known of where it is saved.
#[derive(Clone, Debug)]
pub struct UseDocReturn<S: 'static> {
    /// The document as a reactive node; `doc.title()` is the node of its field `title`.
    pub doc: Node<S>,
    /// The document as a handle that is not tied to a reactive owner.
    pub live: LiveDoc<S>,
    /// Whether the stored document is still being read. Until then the document is empty; edits made meanwhile are
    /// kept and merged.
    pub loading: StatusSignal<bool>,
    /// Whether every edit is in the browser's storage.
    pub saved: StatusSignal<bool>,
    /// How many transactions are not, or not yet.
    pub unsaved: StatusSignal<usize>,
    /// Where the document is kept.
    pub storage: StatusSignal<StorageKind>,
    /// Whether every edit is stored durably by the relay too. Never, where there is none.
    pub synced: StatusSignal<bool>,
    /// How many transactions of this browser are not, or not yet, as far as this page knows.
    pub pending: StatusSignal<usize>,
    /// How the document stands to the relay.
    pub connection: StatusSignal<Connection>,
    /// Why it stands so, where the relay has said.
    pub reason: StatusSignal<Option<Arc<Refusal>>>,
    /// Why the relay refused an edit last: it was taken back then, unless it was for its time, for which it stays on this device and
    /// is tried again later.
    pub rejected: StatusSignal<Option<Arc<Refusal>>>,
    /// How many others are present; see [`use_presence`](crate::use_presence).
    pub peers: StatusSignal<usize>,
    /// Whether what others wrote waits because it is ahead of this device's clock.
    pub clock_blocked: StatusSignal<bool>,
    /// What went wrong last, until it goes right again: an edit that was refused, a write that failed, data that could
    /// not be read.
    pub error: StatusSignal<Option<Arc<Error>>>,
}

/// Options of [`use_doc_with_options`].
#[derive(Clone, Debug, Default)]
pub struct UseDocOptions {
    ask_persistence: bool,
}

impl UseDocOptions {
    /// Asks the browser, once the document has been edited, not to evict this site's data when space runs short.
    ///
    /// Some browsers ask the user; others decide by themselves.
    #[must_use]
    pub fn ask_persistence(mut self, ask: bool) -> Self {
        self.ask_persistence = ask;
        self
    }
}

/// The document `name`, kept in the browser: there when the page opens, saved on every edit.
///
/// Everybody who asks for a name gets the same document. The node belongs to the reactive owner that calls this. What
/// nobody uses and is saved may be put away where more than [`limits::OPEN_DOCUMENTS`](leptos_sync_core::limits::OPEN_DOCUMENTS)
/// are open; opening it again loads it again.
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
///         <button on:click=move |_| doc.visits().increment(1)>{move || doc.visits().get()}</button>
///         <p>{move || if saved.get() { "saved" } else { "saving" }}</p>
///     }
/// }
/// ```
#[track_caller]
pub fn use_doc<S: Root>(name: &str) -> UseDocReturn<S> {
    use_doc_with_options(name, UseDocOptions::default())
}

/// [`use_doc`] with options.
#[track_caller]
pub fn use_doc_with_options<S: Root>(name: &str, options: UseDocOptions) -> UseDocReturn<S> {
    let live = SyncContext::current().open::<S>(name);
    let status = StoredValue::new(Arc::clone(live.status()));
    let unsaved = StatusSignal::unsaved(status);
    if options.ask_persistence {
        crate::actor::ask_persistence(unsaved);
    }
    UseDocReturn {
        doc: live.node(),
        loading: StatusSignal::loading(status),
        saved: StatusSignal::saved(status),
        unsaved,
        storage: StatusSignal::storage(status),
        synced: StatusSignal::synced(status),
        pending: StatusSignal::pending(status),
        connection: StatusSignal::connection(status),
        reason: StatusSignal::reason(status),
        rejected: StatusSignal::rejected(status),
        peers: StatusSignal::peers(status),
        clock_blocked: StatusSignal::clock_blocked(status),
        error: StatusSignal::error(status),
        live,
    }
}
