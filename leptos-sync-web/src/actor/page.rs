use std::{
    cell::{Cell, OnceCell, RefCell},
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
    indexed_db::IndexedDbStorage,
    lease::Lease,
    live::Connection,
    provider::{Options, provisional_replica},
    session::Session,
    tabs::Tabs,
    task::spawn,
    time::PageTime,
};

/// What the documents of a page share: the database, or the reason why there is none, the replica id, the other tabs, and
/// the connection to the relay.
pub(super) struct Page {
    storage: RefCell<Result<IndexedDbStorage, Arc<Error>>>,
    database: String,
    /// `None` before it was taken and once it was given back: the page is on its way out, or came back from the
    /// browser's page cache.
    lease: RefCell<Option<Lease>>,
    /// The id under which a document is loaded: the leased one, or one that nobody else has. `None` until it is known
    /// which.
    replica: Cell<Option<ReplicaId>>,
    documents: RefCell<Vec<Rc<dyn AnyDocument>>>,
    tabs: Option<Tabs>,
    send_locks: SendLocks,
    /// Set at once, if there is a relay; or why it cannot be one.
    session: OnceCell<Result<Rc<Session>, Arc<Error>>>,
    pub(super) time: PageTime,
    /// How many documents are being read for an id that was taken over. No id is let go of until then: what is left to send
    /// under it may not be known yet.
    pub(super) reading: Cell<usize>,
}

/// A document that is kept, as the page's events, the lease, the other tabs and the relay see it.
pub(super) trait AnyDocument {
    /// Reads what is stored, and goes on under `replica`.
    fn load(self: Rc<Self>, replica: ReplicaId);
    /// Issues the write of everything that is not saved, at once: the page may end with the event that asks for it.
    fn flush(self: Rc<Self>);
    /// Whether all transactions are saved.
    fn is_saved(&self) -> bool;
    /// Goes on under another replica id than this, if it is written under it or going to be.
    fn retire(&self, replica: ReplicaId);
    /// The document's name.
    fn name(&self) -> &str;
    /// Another tab tells something of the document.
    fn hear(self: Rc<Self>, kind: TabMessageKind);
    /// Does at once what it would wait for: asks the other tabs for what they have, and tries the storage again.
    fn hurry(self: Rc<Self>);
    /// Who wrote what is to be sent.
    fn writers(&self) -> VersionVector;
    /// From now on this page sends what another one has written under `replica`.
    fn adopt(self: Rc<Self>, replica: ReplicaId);
    /// There may be something to send.
    fn send(&self);
    /// The page's connection to the relay has changed.
    fn connection(&self, connection: &Connection);
}

impl Page {
    /// Opens the database. Where that is refused, documents are kept in memory.
    ///
    /// What is edited from then on is written at once; a lease is taken beside it, and then the documents are loaded.
    pub(super) async fn open(options: Options) -> Rc<Self> {
        let storage = IndexedDbStorage::open(&options.database).await;
        let page = Rc::new_cyclic(|page| {
            let hears: Weak<Self> = page.clone();
            let hear = move |message: TabMessage| {
                if let Some(page) = hears.upgrade() {
                    page.hear(&message, None);
                }
            };
            Self {
                storage: RefCell::new(storage.map_err(Arc::new)),
                database: options.database.clone(),
                lease: RefCell::default(),
                replica: Cell::default(),
                documents: RefCell::default(),
                tabs: Tabs::join(&options.database, hear),
                send_locks: SendLocks::new(page.clone(), &options.database),
                session: OnceCell::new(),
                time: options.time,
                reading: Cell::default(),
            }
        });
        if let Some(relay) = options.relay {
            let told = Rc::downgrade(&page);
            let report = move |connection: &Connection| {
                if let Some(page) = told.upgrade() {
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

    /// The database, or the reason why there is none.
    pub(super) fn storage(&self) -> Result<IndexedDbStorage, Error> {
        let why = |error: &Arc<Error>| Error::unavailable(error.to_string());
        self.storage.borrow().as_ref().cloned().map_err(why)
    }

    /// Opens the database, if it could not be opened before.
    pub(super) async fn reopen_storage(&self) -> Result<IndexedDbStorage, Error> {
        if let Ok(storage) = self.storage() {
            return Ok(storage);
        }
        let storage = IndexedDbStorage::open(&self.database).await?;
        let _ = self.storage.replace(Ok(storage.clone()));
        Ok(storage)
    }

    /// Tells of a document what one of its actors knows: the other tabs, and whoever else keeps one of its name here.
    pub(super) fn tell(&self, from: *const dyn AnyDocument, message: &TabMessage) {
        if let Some(tabs) = &self.tabs {
            tabs.tell(message);
        }
        self.hear(message, Some(from));
    }

    /// Tells all who keep the document, but for who told it.
    fn hear(&self, message: &TabMessage, from: Option<*const dyn AnyDocument>) {
        for document in self.documents() {
            let is_own = from.is_some_and(|from| ptr::addr_eq(Rc::as_ptr(&document), from));
            if document.name() == message.document && !is_own {
                document.hear(message.kind.clone());
            }
        }
    }

    pub(super) fn send_locks(&self) -> &SendLocks {
        &self.send_locks
    }

    /// The connection to the relay, if there is to be one; or why there cannot be.
    pub(super) fn session(&self) -> Option<Result<&Rc<Session>, Error>> {
        let why = |error: &Arc<Error>| Error::unavailable(error.to_string());
        Some(self.session.get()?.as_ref().map_err(why))
    }

    /// The user shows other credentials from now on.
    pub(super) fn set_credentials(&self, credentials: Vec<u8>) {
        if let Some(Ok(session)) = self.session() {
            session.set_credentials(credentials);
        }
    }

    /// The network may be back, or the page was away: does at once what it would wait for.
    pub(super) fn hurry(&self) {
        if let Some(Ok(session)) = self.session() {
            session.run(|client| client.hurry());
        }
        for document in self.documents() {
            document.hurry();
        }
    }

    /// The network is gone, says the browser.
    pub(super) fn disconnect(&self) {
        if let Some(Ok(session)) = self.session() {
            session.disconnect();
        }
    }

    /// Takes a lease, and has the documents loaded under its id.
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

    /// Has a document loaded, if it is known by now under which id: the page's. But of two documents of one name, which were opened as
    /// different types and know nothing of each other's operations, only one may have it.
    fn load(&self, document: Rc<dyn AnyDocument>) {
        let Some(replica) = self.replica.get() else {
            return;
        };
        let documents = self.documents.borrow();
        // One that nobody else holds was put away.
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

    /// Takes in a document, which is loaded as soon as it is known under which id.
    pub(super) fn register(&self, document: Rc<dyn AnyDocument>) {
        let mut documents = self.documents.borrow_mut();
        // One that nobody else holds belonged to a document that was put away: this takes its place.
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
        // What is let go may look here.
        drop(documents);
        drop(gone);
        self.load(document);
    }

    /// The id is given back; or it is somebody else's, as the relay says after another user has signed in, and is not for a later
    /// page either. Nothing is written under it any more.
    pub(super) fn retire(&self, replica: ReplicaId) {
        self.send_locks.disown(replica);
        if self.replica.get() == Some(replica) {
            self.replica.set(Some(provisional_replica()));
            // Not given back: whoever finds it in use by nobody does not take it.
            drop(self.lease.borrow_mut().take());
        }
        for document in self.documents() {
            document.retire(replica);
        }
    }

    /// From now on this page sends what was written under `replica`; `own` says that it is its own.
    pub(super) fn adopt(&self, replica: ReplicaId, own: bool) {
        for document in self.documents() {
            match own {
                true => document.send(),
                false => document.adopt(replica),
            }
        }
        self.release();
    }

    /// Lets go of ids of others under which nothing is left to send.
    pub(super) fn release(&self) {
        if self.reading.get() == 0 && self.send_locks.has_others() {
            let mut unsent = VersionVector::new();
            // Whom the relay does not want cannot send for others.
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

    /// Issues the writes of everything that is not saved yet.
    pub(super) fn flush(&self) {
        for document in self.documents() {
            document.flush();
        }
    }

    /// The page ends, as far as it knows: flushes, and gives the lease back if everything is saved. Whatever is
    /// written after that, should the page come back, is written under ids that nobody had before.
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
        // A copy: what is done with them may open another.
        self.documents.borrow().clone()
    }
}
