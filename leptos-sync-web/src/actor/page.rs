use std::{
    cell::{Cell, OnceCell},
    mem, ptr,
    rc::{Rc, Weak},
    sync::Arc,
};

use leptos_sync_core::{
    Error, ReplicaId, VersionVector,
    storage::{Batch, Storage as _},
    sync::{TabMessage, TabMessageKind},
};

use super::{events, send_locks::SendLocks};
use crate::{
    cell::RefCell,
    indexed_db::IndexedDbStorage,
    lease::Lease,
    live::Connection,
    provider::{Options, provisional_replica},
    session::Session,
    tabs::Tabs,
    task::spawn,
    time::PageTime,
};

/// The state that the documents of a page share: the database or the reason for its absence, the
/// replica id, the other tabs, and the connection to the relay.
pub(super) struct Page {
    storage: RefCell<Result<IndexedDbStorage, Arc<Error>>>,
    database: String,
    /// The lease. `None` before it is acquired, and after it is released because the page is ending
    /// or has returned from the browser's page cache.
    lease: RefCell<Option<Lease>>,
    /// The id under which documents are loaded: the leased one, or a new one without a lease.
    /// `None` until that is known.
    replica: Cell<Option<ReplicaId>>,
    documents: RefCell<Vec<Rc<dyn AnyDocument>>>,
    tabs: Option<Tabs>,
    send_locks: SendLocks,
    /// The connection to the relay, or the reason why there can be none. Empty without a relay. Set
    /// when the page opens.
    session: OnceCell<Result<Rc<Session>, Arc<Error>>>,
    pub(super) time: PageTime,
    /// The number of documents that are being read because this page took over an id. Until they
    /// are read, the page does not know which transactions to send, and releases no id.
    pub(super) reading: Cell<usize>,
}

/// The actor of a document of any type, for the page's events, the lease, the other tabs and the
/// relay.
pub(super) trait AnyDocument {
    /// Reads the stored document, whose later operations have the id `replica`.
    fn load(self: Rc<Self>, replica: ReplicaId);
    /// Issues all pending writes before it returns, since the page may end afterwards.
    fn flush(self: Rc<Self>);
    /// Returns whether all transactions are saved.
    fn is_saved(&self) -> bool;
    /// Moves the document to another replica id if it uses this one now or will after loading.
    fn retire(&self, replica: ReplicaId);
    /// Returns the document's name.
    fn name(&self) -> &str;
    /// Handles a message from another tab.
    fn receive(self: Rc<Self>, kind: TabMessageKind);
    /// Skips all delays: requests operations from the other tabs, and retries a failed storage.
    fn hurry(self: Rc<Self>);
    /// Returns the writers of the transactions to send.
    fn writers(&self) -> VersionVector;
    /// Starts sending the transactions that another page wrote under `replica`.
    fn adopt(self: Rc<Self>, replica: ReplicaId);
    /// Sends the transactions that the relay lacks.
    fn send(&self);
    /// Reports the state of the page's connection.
    fn connection(&self, connection: &Connection);
}

impl Page {
    /// Opens the database. Without one, documents stay in memory.
    ///
    /// Edits are written as soon as the database is open. Meanwhile, the page acquires a lease, and
    /// then loads the documents.
    pub(super) async fn open(options: Options) -> Rc<Self> {
        let storage = IndexedDbStorage::open(&options.database).await;
        let page = Rc::new_cyclic(|page| {
            let receiver: Weak<Self> = page.clone();
            let receive = move |message: TabMessage| {
                if let Some(page) = receiver.upgrade() {
                    page.receive(&message, None);
                }
            };
            Self {
                storage: RefCell::new(storage.map_err(Arc::new)),
                database: options.database.clone(),
                lease: RefCell::default(),
                replica: Cell::default(),
                documents: RefCell::default(),
                tabs: Tabs::join(&options.database, receive),
                send_locks: SendLocks::new(page.clone(), &options.database),
                session: OnceCell::new(),
                time: options.time,
                reading: Cell::default(),
            }
        });
        if let Some(relay) = options.relay {
            let reporter = Rc::downgrade(&page);
            let report = move |connection: &Connection| {
                if let Some(page) = reporter.upgrade() {
                    for document in page.documents() {
                        document.connection(connection);
                    }
                    page.release();
                }
            };
            let seed = provisional_replica().get();
            let session = Session::new(&relay, seed, options.max_documents, Box::new(report));
            if let Ok(session) = &session {
                if let Some(renewal) = options.renewal {
                    (renewal.start)(session, renewal.fetch, page.time.clone());
                }
                session.set_credentials(options.credentials);
            }
            let _ = page.session.set(session.map_err(Arc::new));
        }
        events::listen(&page);
        spawn(Rc::clone(&page).take_lease());
        page
    }

    /// Returns the database, or the reason for its absence.
    pub(super) fn storage(&self) -> Result<IndexedDbStorage, Error> {
        let why = |error: &Arc<Error>| Error::unavailable(error.to_string());
        self.storage.borrow().as_ref().cloned().map_err(why)
    }

    /// Opens the database if an earlier attempt failed.
    pub(super) async fn reopen_storage(&self) -> Result<IndexedDbStorage, Error> {
        if let Ok(storage) = self.storage() {
            return Ok(storage);
        }
        let storage = IndexedDbStorage::open(&self.database).await?;
        let _ = self.storage.replace(Ok(storage.clone()));
        Ok(storage)
    }

    /// Sends a message about a document to the other tabs, and to other actors of the same document
    /// in this page.
    pub(super) fn send_to_tabs(&self, from: *const dyn AnyDocument, message: &TabMessage) {
        if let Some(tabs) = &self.tabs {
            tabs.send(message);
        }
        self.receive(message, Some(from));
    }

    /// Passes a message to all actors of its document except the sender.
    fn receive(&self, message: &TabMessage, from: Option<*const dyn AnyDocument>) {
        for document in self.documents() {
            let is_own = from.is_some_and(|from| ptr::addr_eq(Rc::as_ptr(&document), from));
            if document.name() == message.document && !is_own {
                document.receive(message.kind.clone());
            }
        }
    }

    pub(super) fn send_locks(&self) -> &SendLocks {
        &self.send_locks
    }

    /// Returns the connection to the relay, or the reason why there can be none; `None` without a
    /// relay.
    pub(super) fn session(&self) -> Option<Result<&Rc<Session>, Error>> {
        let why = |error: &Arc<Error>| Error::unavailable(error.to_string());
        Some(self.session.get()?.as_ref().map_err(why))
    }

    /// Sets the credentials for the relay.
    pub(super) fn set_credentials(&self, credentials: Vec<u8>) {
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

    /// Acquires a lease, and loads the documents under its id.
    async fn take_lease(self: Rc<Self>) {
        let mut lease = match self.storage() {
            Ok(storage) => Lease::take(&storage).await.ok(),
            Err(_) => None,
        };
        let replica = lease
            .as_ref()
            .map_or_else(provisional_replica, Lease::replica);
        if let Some(lock) = lease.as_mut().and_then(Lease::take_sends) {
            self.send_locks.hold(replica, lock);
        }
        self.lease.replace(lease);
        self.replica.set(Some(replica));
        for document in self.documents() {
            self.load(document);
        }
    }

    /// Loads a document under the page's id, if it is known. If two documents with one name were
    /// opened as different types, they do not know each other's operations, so only one of them may
    /// use the id.
    fn load(&self, document: Rc<dyn AnyDocument>) {
        let Some(replica) = self.replica.get() else {
            return;
        };
        let documents = self.documents.borrow();
        // An actor without any other owner belongs to an evicted document.
        let mut alive = documents.iter().filter(|kept| Rc::strong_count(kept) > 1);
        let is_other = |kept: &Rc<dyn AnyDocument>| {
            kept.name() == document.name() && !Rc::ptr_eq(kept, &document)
        };
        let shared = alive.any(is_other);
        drop(documents);
        document.load(match shared {
            false => replica,
            true => provisional_replica(),
        });
    }

    /// Adds a document. It is loaded as soon as the page's id is known.
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
        self.load(document);
    }

    /// Stops using a replica id, because it is released or because the relay has bound it to
    /// another user. If the relay has bound it, no later page may use it either.
    pub(super) fn retire(&self, replica: ReplicaId) {
        self.send_locks.disown(replica);
        if self.replica.get() == Some(replica) {
            self.replica.set(Some(provisional_replica()));
            // Do not release the lease. A page that finds the id in use without a live holder does
            // not take it.
            drop(self.lease.borrow_mut().take());
        }
        for document in self.documents() {
            document.retire(replica);
        }
    }

    /// Starts sending the transactions written under `replica`. `own` is true if the id belongs to
    /// this page.
    pub(super) fn adopt(&self, replica: ReplicaId, own: bool) {
        for document in self.documents() {
            match own {
                true => document.send(),
                false => document.adopt(replica),
            }
        }
        self.release();
    }

    /// Releases the ids of other pages if nothing written under them is left to send.
    pub(super) fn release(&self) {
        if self.reading.get() == 0 && self.send_locks.has_others() {
            let mut unsent = VersionVector::new();
            // A page that the relay rejects cannot send for others.
            if !self.is_refused() {
                for document in self.documents() {
                    unsent.join(&document.writers());
                }
            }
            self.send_locks.release(&unsent);
        }
    }

    fn is_refused(&self) -> bool {
        let session = self.session().and_then(Result::ok);
        session.is_some_and(|session| session.is_refused())
    }

    /// Issues all pending writes.
    pub(super) fn flush(&self) {
        for document in self.documents() {
            document.flush();
        }
    }

    /// Prepares for the end of the page: issues all writes, and releases the lease if everything is
    /// saved. If the user returns to the page, it uses new ids.
    pub(super) fn close(&self) {
        self.flush();
        let documents = self.documents();
        if !documents.iter().all(|document| document.is_saved()) {
            // The id stays marked as in use, and will be retired.
            return;
        }
        let lease = self.lease.borrow_mut().take();
        if let (Some(lease), Ok(storage)) = (lease, self.storage()) {
            self.retire(lease.replica());
            let mut batch = Batch::new();
            lease.release_write(&mut batch);
            drop(storage.commit(batch));
        }
    }

    fn documents(&self) -> Vec<Rc<dyn AnyDocument>> {
        // Return a copy, since the caller may open another document.
        self.documents.borrow().clone()
    }
}
