use std::{
    cell::Cell,
    mem, ptr,
    rc::{Rc, Weak},
    sync::Arc,
};

use leptos::leptos_dom::helpers::WindowListenerHandle;
use leptos_sync_core::{
    Error, ReplicaId,
    clock::{SystemTime, TimeSource as _},
    sync::TabMessage,
};

use super::events;
use crate::{
    cell::RefCell,
    indexed_db::{IndexedDbStorage, StorageEvent},
    live::Connection,
    provider::Options,
    session::Session,
    tabs::Tabs,
    time::PageTime,
};

/// The state that the documents of a page share: the database, the other tabs, and the connection
/// to the relay.
pub(super) struct Page {
    pub(super) storage: IndexedDbStorage,
    documents: RefCell<Vec<Rc<dyn AnyDocument>>>,
    tabs: RefCell<Option<Tabs>>,
    /// Whether a relay exchanges the documents.
    pub(super) has_relay: bool,
    /// The connection to the relay, or the reason why there can be none. Empty without a relay, and
    /// once this is closed.
    session: RefCell<Option<Result<Rc<Session>, Arc<Error>>>>,
    listeners: RefCell<Vec<WindowListenerHandle>>,
    /// Whether the component that called `provide_sync` is gone.
    pub(super) is_closed: Cell<bool>,
    pub(super) time: PageTime,
    /// The checksum of the user's name; 0 for a guest, or if the app does not say it.
    pub(super) user: Cell<u64>,
    /// Whether the user who signs in is the guest who made the stored edits.
    pub(super) keeps_guest_edits: bool,
}

/// The actor of a document of any type, for the page's events, the other tabs and the relay.
pub(super) trait AnyDocument {
    /// Issues all pending edits' writes before it returns, since the page may end afterwards.
    /// Returns whether another write follows those that are in progress.
    fn flush(self: Rc<Self>) -> bool;
    /// Returns whether an edit of the document has trapped, which locks it forever.
    fn is_locked(&self) -> bool;
    /// Returns the document's name.
    fn name(&self) -> &str;
    /// Returns whether this actor exchanges the document with the relay.
    fn is_exchanged(&self) -> bool;
    /// Handles a message from another tab.
    fn receive(self: Rc<Self>, message: Rc<TabMessage>);
    /// Skips all delays: requests entries from the other tabs, and retries a failed storage.
    fn hurry(self: Rc<Self>);
    /// Writes everything again if the storage has lost it.
    fn check_storage(self: Rc<Self>);
    /// Makes all later edits in the name of the page's new user.
    fn user_changed(self: Rc<Self>);
    /// Reports the state of the page's connection.
    fn connection(&self, connection: &Connection);
}

impl Page {
    /// Connects to the other tabs and the relay. The first read of a document opens the database.
    pub(super) fn open(options: Options) -> Rc<Self> {
        let page = Rc::new_cyclic(|page| {
            let receiver: Weak<Self> = page.clone();
            let receive = move |message: TabMessage| {
                // After a clearing, the other tabs may belong to another user.
                if let Some(page) = receiver.upgrade()
                    && !page.storage.is_cleared()
                {
                    page.receive(message, None);
                }
            };
            Self {
                storage: IndexedDbStorage::on_demand(&options.database),
                documents: RefCell::default(),
                tabs: RefCell::new(Tabs::join(&options.database, receive)),
                has_relay: options.relay.is_some(),
                session: RefCell::default(),
                listeners: RefCell::default(),
                is_closed: Cell::default(),
                time: options.time,
                user: Cell::new(options.user),
                keeps_guest_edits: options.keeps_guest_edits,
            }
        });
        if let Some(relay) = options.relay {
            let reporter = Rc::downgrade(&page);
            let report = move |connection: &Connection| {
                if let Some(page) = reporter.upgrade() {
                    for document in page.documents() {
                        document.connection(connection);
                    }
                }
            };
            // Without a source of randomness, use the time.
            let seed = ReplicaId::random().map_or_else(|_| SystemTime.now_ms(), ReplicaId::get);
            let session = Session::new(&relay, seed, options.max_documents, Box::new(report));
            if let Ok(session) = &session {
                if let Some(renewal) = options.renewal {
                    (renewal.start)(session, renewal.fetch, page.time.clone());
                }
                session.set_credentials(options.credentials);
            }
            page.session.replace(Some(session.map_err(Arc::new)));
        }
        page.listeners.replace(events::listen(&page));
        page.watch_storage();
        page
    }

    /// Saves the documents before another page deletes or clears the database, and writes them
    /// again when it was deleted.
    fn watch_storage(self: &Rc<Self>) {
        let page = Rc::downgrade(self);
        self.storage.watch(move |event| {
            let Some(page) = page.upgrade() else {
                return false;
            };
            let mut waits = false;
            for document in page.documents() {
                match event {
                    StorageEvent::Ending => waits |= document.flush(),
                    StorageEvent::Ended => document.check_storage(),
                }
            }
            waits
        });
    }

    /// Sends a message about a document to the other tabs, and to other actors of the same document
    /// in this page.
    pub(super) fn send_to_tabs(&self, from: *const dyn AnyDocument, message: TabMessage) {
        if let Some(tabs) = &*self.tabs.borrow()
            && !self.storage.is_cleared()
        {
            tabs.send(&message);
        }
        self.receive(message, Some(from));
    }

    /// Passes a message to all actors of its document except the sender.
    fn receive(&self, message: TabMessage, from: Option<*const dyn AnyDocument>) {
        let message = Rc::new(message);
        for document in self.documents() {
            let is_own = from.is_some_and(|from| ptr::addr_eq(Rc::as_ptr(&document), from));
            if document.name() == message.document && !is_own {
                document.receive(Rc::clone(&message));
            }
        }
    }

    /// Returns whether an actor exchanges the document `name`.
    pub(super) fn exchanges(&self, name: &str) -> bool {
        let documents = self.documents();
        let is_it = |known: &Rc<dyn AnyDocument>| known.name() == name && known.is_exchanged();
        documents.iter().any(is_it)
    }

    /// Returns the connection to the relay, or the reason why there can be none; `None` without a
    /// relay.
    pub(super) fn session(&self) -> Option<Result<Rc<Session>, Error>> {
        let why = |error: Arc<Error>| Error::unavailable(error.to_string());
        Some(self.session.borrow().clone()?.map_err(why))
    }

    /// Sets the credentials for the relay, and the name of the user if it has changed.
    pub(super) fn set_credentials(&self, credentials: Vec<u8>, user: Option<u64>) {
        if let Some(user) = user {
            // The connection belongs to the user before.
            self.disconnect();
            self.user.set(user);
            for document in self.documents() {
                document.user_changed();
            }
        }
        if let Some(Ok(session)) = self.session() {
            session.set_credentials(credentials);
        }
    }

    /// Skips all delays, because the network may be back or the page is visible again.
    pub(super) fn hurry(&self) {
        if let Some(Ok(session)) = self.session() {
            session.hurry();
        }
        for document in self.documents() {
            document.hurry();
        }
    }

    /// Drops the connection, because the browser reports that there is no network.
    pub(super) fn disconnect(&self) {
        if let Some(Ok(session)) = self.session() {
            session.disconnect();
        }
    }

    /// Adds a document.
    pub(super) fn register(&self, document: Rc<dyn AnyDocument>) {
        let mut documents = self.documents.borrow_mut();
        // An actor without any other owner belongs to an evicted document, so replace it.
        let gone = documents
            .iter_mut()
            .find(|kept| Rc::strong_count(kept) == 1);
        let gone = match gone {
            Some(place) => Some(mem::replace(place, Rc::clone(&document))),
            None => {
                documents.push(Rc::clone(&document));
                None
            }
        };
        // Dropping an actor may use the list.
        drop(documents);
        drop(gone);
    }

    /// Issues all pending writes.
    pub(super) fn flush(&self) {
        for document in self.documents() {
            let _ = document.flush();
        }
    }

    /// Saves what is not stored, and releases everything that would outlive the component: the
    /// connection, the listeners, and the documents, once their writes have ended.
    pub(super) fn close(&self) {
        self.is_closed.set(true);
        self.flush();
        let listeners = self.listeners.take();
        listeners.into_iter().for_each(WindowListenerHandle::remove);
        drop(self.tabs.take());
        // The client and the documents own each other.
        drop(self.session.take());
        drop(self.documents.take());
    }

    fn documents(&self) -> Vec<Rc<dyn AnyDocument>> {
        // Return a copy, since the caller may open another document.
        let mut documents = self.documents.borrow().clone();
        documents.retain(|document| !document.is_locked());
        documents
    }
}
