use std::{fmt, mem, sync::Arc};

use crate::lock::Mutex;
use leptos::prelude::*;
use leptos_sync_core::{Clock, ReplicaId, Root, limits, replica::Replica};

use crate::{
    actor::Actor,
    live::{AnyDoc, LiveDoc, Status},
    sync_options::{Read, ReadUser, Renewal, SyncOptions, User},
    time::PageTime,
};

/// The options of the actor.
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(
        dead_code,
        reason = "on a server nothing is kept and there is no relay"
    )
)]
pub(crate) struct Options {
    pub(crate) database: String,
    pub(crate) relay: Option<String>,
    pub(crate) credentials: Vec<u8>,
    pub(crate) renewal: Option<Renewal>,
    pub(crate) max_documents: usize,
    /// The checksum of the user's name.
    pub(crate) user: u64,
    pub(crate) keeps_guest_edits: bool,
    pub(crate) time: PageTime,
}

/// Provides the documents to this component and its descendants. Call it once, in the app's root
/// component, before the first [`use_doc`](crate::use_doc).
///
/// A `use_doc` that runs earlier, or outside this component, uses the default options: the database
/// `leptos-sync`, and no relay. Its document is stored and shared by the tabs of this browser, but
/// its `connection` stays [`Absent`](crate::Connection::Absent).
///
/// A second call, in a descendant, applies to that component and its descendants. They have their
/// own documents, database and connection.
///
/// When the reactive owner that calls this is disposed, the page saves what is not stored yet,
/// closes the connection, and stops calling [`renew`](SyncOptions::renew). Edits that were not sent
/// stay in the database, and are sent when it is opened again. So a component that shows one user's
/// documents can call this, and be replaced when another user signs in.
///
/// On a server there is no storage and no relay: documents are empty, and requests share nothing.
///
/// ```
/// use leptos::prelude::*;
/// use leptos_sync_web::{Crdt, LwwRegister, SyncOptions, provide_sync, use_doc};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
/// }
///
/// #[component]
/// fn App() -> impl IntoView {
///     provide_sync(SyncOptions::default().relay("/sync"));
///     view! { <Title /> }
/// }
///
/// #[component]
/// fn Title() -> impl IntoView {
///     let page = use_doc::<Page>("page").doc;
///     view! { <input bind:value=page.title() /> }
/// }
/// ```
pub fn provide_sync(options: SyncOptions) {
    let (credentials, user) = (options.credentials.clone(), options.user.clone());
    let context = SyncContext::new(options);
    provide_context(context.clone());
    let closes = context.clone();
    on_cleanup(move || closes.inner.close());
    if let Some(User { read, watch, .. }) = user {
        watch(context.clone(), read, credentials.clone());
    }
    if let Some(credentials) = credentials {
        Effect::new(move |first: Option<()>| {
            let shown = credentials();
            // The actor already has the first credentials.
            if first.is_some() {
                let actor = &context.inner.actor;
                actor.set_credentials(shown.into_bytes(), None);
            }
        });
    }
}

/// Follows the name of the user.
pub(crate) fn watch_user(context: SyncContext, user: ReadUser, credentials: Option<Read>) {
    Effect::new(move |before: Option<u64>| {
        let user = user();
        if before.is_some_and(|before| before != user) {
            let shown = credentials.as_ref().map(|shown| untrack(|| shown()));
            let shown = shown.unwrap_or_default().into_bytes();
            let actor = &context.inner.actor;
            actor.set_credentials(shown, Some(user));
        }
        user
    });
}

/// The documents of an app by name, and their actor.
#[derive(Clone)]
pub(crate) struct SyncContext {
    inner: Arc<Inner>,
}

impl fmt::Debug for SyncContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SyncContext")
    }
}

struct Inner {
    actor: Actor,
    time: PageTime,
    has_relay: bool,
    user: Option<User>,
    /// The number of open documents above which unused ones are evicted.
    max_open: usize,
    /// The documents, in the order in which they were first opened.
    docs: Mutex<Vec<OpenDocument>>,
}

/// A document that is open.
struct OpenDocument {
    name: String,
    doc: Arc<AnyDoc>,
    status: Arc<Status>,
}

impl OpenDocument {
    /// Returns whether the document can be evicted: only this list and its actor own it, and the
    /// storage and the relay have all of it. Status signals need no check, since they have the same
    /// owner as a node.
    fn is_evictable(&self) -> bool {
        Arc::strong_count(&self.doc) == 2 && self.status.is_stored()
    }
}

impl SyncContext {
    fn new(options: SyncOptions) -> Self {
        let time = PageTime::default();
        let shown = options.credentials.map(|shown| untrack(|| shown()));
        Self {
            inner: Arc::new(Inner {
                time: time.clone(),
                has_relay: options.relay.is_some(),
                max_open: limits::OPEN_DOCUMENTS.min(options.max_documents),
                actor: Actor::start(Options {
                    database: options.database,
                    relay: options.relay,
                    credentials: shown.unwrap_or_default().into_bytes(),
                    renewal: options.renewal,
                    max_documents: options.max_documents,
                    user: options.user.as_ref().map_or(0, User::mark),
                    keeps_guest_edits: options.keeps_guest_edits,
                    time,
                }),
                user: options.user,
                docs: Mutex::new(Vec::new()),
            }),
        }
    }

    /// Returns the context that an ancestor provided, or else the default one.
    pub(crate) fn current() -> Self {
        use_context().unwrap_or_else(default_context)
    }

    /// Opens the document `name`. All callers share one document.
    ///
    /// If a document is already open as another type, it is opened a second time on the same data.
    /// Each type preserves data that only the other one knows. Only the first one is exchanged with
    /// a relay; the other reports an error.
    pub(crate) fn open<S: Root>(&self, name: &str) -> LiveDoc<S> {
        let mut docs = self.inner.docs.lock();
        let open = docs
            .iter()
            .filter(|open| open.name == name)
            .find_map(|open| LiveDoc::downcast(&open.doc));
        if let Some(doc) = open {
            return doc;
        }
        // The replica draws its own id at the first edit.
        let clock = Clock::new(ReplicaId::default(), self.inner.time.clone());
        let mut replica = Replica::new(clock);
        if let Some(user) = &self.inner.user {
            replica.set_user(user.mark());
        }
        let doc = LiveDoc::of_replica(replica, self.inner.has_relay);
        docs.push(OpenDocument {
            name: name.to_owned(),
            doc: doc.as_any(),
            status: Arc::clone(doc.status()),
        });
        drop(docs);
        self.evict();
        self.inner.actor.attach(name, doc.clone());
        doc
    }
}

impl SyncContext {
    /// Evicts unused documents, if too many are open.
    pub(crate) fn evict(&self) {
        self.inner.evict();
    }
}

impl Inner {
    /// Saves and closes the documents, and ends the connection.
    fn close(&self) {
        self.actor.close();
        let docs = mem::take(&mut *self.docs.lock());
        for open in docs {
            open.status.close();
        }
    }

    /// Evicts unused documents beyond the limit, in the order in which they were opened.
    fn evict(&self) {
        loop {
            let mut docs = self.docs.lock();
            if docs.len() <= self.max_open {
                return;
            }
            let Some(at) = docs.iter().position(OpenDocument::is_evictable) else {
                return;
            };
            let gone = docs.remove(at);
            drop(docs);
            // The document and its actor own each other through this queue, so close it.
            gone.status.close();
        }
    }
}

/// Returns the default context, one for the page.
#[cfg(target_arch = "wasm32")]
fn default_context() -> SyncContext {
    thread_local! {
        static OF_THE_PAGE: SyncContext = SyncContext::new(SyncOptions::default());
    }
    OF_THE_PAGE.with(Clone::clone)
}

/// Returns the default context, one for each request.
#[cfg(not(target_arch = "wasm32"))]
fn default_context() -> SyncContext {
    let context = SyncContext::new(SyncOptions::default());
    provide_context(context.clone());
    context
}
