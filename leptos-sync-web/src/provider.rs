use std::sync::Arc;

use crate::lock::Mutex;
use leptos::prelude::*;
use leptos_sync_core::{
    Clock, Doc, Outbox, ReplicaId, Root,
    clock::{SystemTime, TimeSource as _},
    limits,
};

use crate::{
    actor::Actor,
    live::{AnyDoc, LiveDoc, Status},
    sync_options::{Renewal, SyncOptions},
    time::PageTime,
};

/// What the task that keeps documents is to know.
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
    pub(crate) time: PageTime,
}

/// Gives this component and all below it their documents. Call it once, in the app's root component.
///
/// Without it, a page's documents are kept with the default options.
///
/// On a server there is no storage and no relay: documents are empty, and nothing is shared between requests.
pub fn provide_sync(options: SyncOptions) {
    let credentials = options.credentials.clone();
    let context = SyncContext::new(options);
    provide_context(context.clone());
    if let Some(credentials) = credentials {
        Effect::new(move |first: Option<()>| {
            let shown = credentials();
            // The first ones are there already.
            if first.is_some() {
                context.inner.actor.set_credentials(shown.into_bytes());
            }
        });
    }
}

/// The documents of an app, by name, and the task that keeps them.
#[derive(Clone)]
pub(crate) struct SyncContext {
    inner: Arc<Inner>,
}

struct Inner {
    actor: Actor,
    time: PageTime,
    has_relay: bool,
    /// How many documents stay open at most, if some of them are unused.
    max_open: usize,
    /// In the order in which they were opened first.
    docs: Mutex<Vec<OpenDocument>>,
}

/// A document that is open.
struct OpenDocument {
    name: String,
    doc: Arc<AnyDoc>,
    status: Arc<Status>,
}

impl OpenDocument {
    /// Whether it may be put away: nobody has it but this list and the task that keeps it, and the storage has all of it.
    /// Signals of its status go with the node that was made with them, which has it.
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
                    time,
                }),
                docs: Mutex::new(Vec::new()),
            }),
        }
    }

    /// The context that was provided; if there is none, the page's default one.
    pub(crate) fn current() -> Self {
        use_context().unwrap_or_else(default_context)
    }

    /// The document `name`: everybody who asks for it gets the same one.
    ///
    /// One that was opened as another type is opened once more, on the same data: each type keeps what it does not
    /// know of the other's.
    pub(crate) fn open<S: Root>(&self, name: &str) -> LiveDoc<S> {
        let mut docs = self.inner.docs.lock();
        let open = docs
            .iter()
            .filter(|open| open.name == name)
            .find_map(|open| LiveDoc::downcast(&open.doc));
        if let Some(doc) = open {
            return doc;
        }
        let clock = Clock::new(provisional_replica(), self.inner.time.clone());
        let outbox = self.inner.has_relay.then(Outbox::new);
        let doc = LiveDoc::with_outbox(Doc::new(clock), outbox);
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
    /// Evicts documents that nobody uses, if too many are open.
    pub(crate) fn evict(&self) {
        self.inner.evict();
    }
}

impl Inner {
    /// Lets go of what is beyond the limit and may go, what was opened first before the others.
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
            // The document and its actor hold each other by it. They go when the next document takes its place.
            gone.status.close();
        }
    }
}

/// The context of everybody who asked for no other: the page's.
#[cfg(target_arch = "wasm32")]
fn default_context() -> SyncContext {
    thread_local! {
        static OF_THE_PAGE: SyncContext = SyncContext::new(SyncOptions::default());
    }
    OF_THE_PAGE.with(Clone::clone)
}

/// The context of everybody who asked for no other: on a server each request's own.
#[cfg(not(target_arch = "wasm32"))]
fn default_context() -> SyncContext {
    let context = SyncContext::new(SyncOptions::default());
    provide_context(context.clone());
    context
}

/// An id for what is written before a lease was had, or after it ended. Never pooled, so never used again.
pub(crate) fn provisional_replica() -> ReplicaId {
    ReplicaId::random().unwrap_or_else(|_| {
        // A platform without randomness: the time has to do.
        ReplicaId::new(SystemTime.now_ms())
    })
}
