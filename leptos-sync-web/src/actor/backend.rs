use std::{
    cell::{Cell, RefCell},
    mem,
    rc::Rc,
    sync::Arc,
};

use leptos_sync_core::{Batch, Error, ReplicaId};

use super::page;
use crate::{
    indexed_db::IndexedDbStorage, lease::Lease, provider::provisional_replica, task::spawn,
};

/// What the documents of a page share: the database, or the reason why there is none, and the replica id.
#[derive(Clone)]
pub(super) struct Backend(Result<Rc<Opened>, Arc<Error>>);

pub(super) struct Opened {
    pub(super) storage: IndexedDbStorage,
    /// `None` before it was taken and once it was given back: the page is on its way out, or came back from the
    /// browser's page cache.
    lease: RefCell<Option<Lease>>,
    /// The id under which a document is loaded: the leased one, or one that nobody else has. `None` until it is known
    /// which.
    replica: Cell<Option<ReplicaId>>,
    documents: RefCell<Vec<Rc<dyn Kept>>>,
}

/// A document that is kept, as the page's events and the lease see it.
pub(super) trait Kept {
    /// Reads what is stored, and goes on under `replica`.
    fn load(self: Rc<Self>, replica: ReplicaId);
    /// Issues the write of everything that is not saved, at once: the page may end with the event that asks for it.
    fn flush(self: Rc<Self>);
    /// Whether all transactions are saved.
    fn is_saved(&self) -> bool;
    /// Goes on under another replica id.
    fn set_replica(&self, replica: ReplicaId);
}

impl Backend {
    /// Opens the database. Where that is refused, documents are kept in memory.
    ///
    /// What is edited from then on is written at once; a lease is taken beside it, and then the documents are loaded.
    pub(super) async fn open(database: &str) -> Self {
        let storage = match IndexedDbStorage::open(database).await {
            Ok(storage) => storage,
            Err(error) => return Self(Err(Arc::new(error))),
        };
        let opened = Rc::new(Opened {
            storage,
            lease: RefCell::default(),
            replica: Cell::default(),
            documents: RefCell::default(),
        });
        page::listen(&opened);
        spawn(Rc::clone(&opened).take_lease());
        Self(Ok(opened))
    }

    pub(super) fn opened(&self) -> Result<&Rc<Opened>, Error> {
        let why = |error: &Arc<Error>| Error::unavailable(error.to_string());
        self.0.as_ref().map_err(why)
    }
}

impl Opened {
    /// Takes a lease, and has the documents loaded under its id.
    async fn take_lease(self: Rc<Self>) {
        let lease = Lease::take(&self.storage).await.ok();
        let replica = lease
            .as_ref()
            .map_or_else(provisional_replica, Lease::replica);
        self.lease.replace(lease);
        self.replica.set(Some(replica));
        for document in self.documents() {
            document.load(replica);
        }
    }

    /// Takes in a document, which is loaded as soon as it is known under which id.
    pub(super) fn register(&self, document: Rc<dyn Kept>) {
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
        if let Some(replica) = self.replica.get() {
            document.load(replica);
        }
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
        if let Some(lease) = self.lease.borrow_mut().take() {
            self.replica.set(Some(provisional_replica()));
            for document in &documents {
                document.set_replica(provisional_replica());
            }
            let mut batch = Batch::new();
            lease.release_write(&mut batch);
            drop(leptos_sync_core::Storage::commit(&self.storage, batch));
        }
    }

    fn documents(&self) -> Vec<Rc<dyn Kept>> {
        // A copy: what is done with them may open another.
        self.documents.borrow().clone()
    }
}
