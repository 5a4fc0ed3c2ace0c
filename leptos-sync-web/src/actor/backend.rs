use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    sync::Arc,
};

use leptos_sync_core::{Batch, Error, ReplicaId};

use super::page;
use crate::{indexed_db::IndexedDbStorage, lease::Lease, provider::provisional_replica};

/// What the documents of a page share: the database, or the reason why there is none, and the replica id.
#[derive(Clone)]
pub(super) struct Backend(Result<Rc<Opened>, Arc<Error>>);

pub(super) struct Opened {
    pub(super) storage: IndexedDbStorage,
    /// `None` once it was given back: the page is on its way out, or came back from the browser's page cache.
    lease: RefCell<Option<Lease>>,
    flushers: RefCell<Vec<Weak<dyn Flush>>>,
}

/// A document that can be saved at once, within the event that says that the page may end.
pub(super) trait Flush {
    /// Issues the write of everything that is not saved. Returns whether everything is issued with no earlier write
    /// still under way, in which case `last` was written along, in the same batch.
    fn flush(&self);
    /// Whether all transactions are saved.
    fn is_saved(&self) -> bool;
    /// Goes on under another replica id.
    fn set_replica(&self, replica: ReplicaId);
}

impl Backend {
    /// Opens the database and takes a lease. Where that is refused, documents are kept in memory.
    pub(super) async fn open(database: &str) -> Self {
        let storage = match IndexedDbStorage::open(database).await {
            Ok(storage) => storage,
            Err(error) => return Self(Err(Arc::new(error))),
        };
        let lease = Lease::take(&storage).await.ok();
        let opened = Rc::new(Opened {
            storage,
            lease: RefCell::new(lease),
            flushers: RefCell::default(),
        });
        page::listen(&opened);
        Self(Ok(opened))
    }

    pub(super) fn opened(&self) -> Result<&Rc<Opened>, Arc<Error>> {
        self.0.as_ref().map_err(Arc::clone)
    }
}

impl Opened {
    /// The id under which documents go on: the leased one, or one that nobody else has.
    pub(super) fn replica(&self) -> ReplicaId {
        let lease = self.lease.borrow();
        lease
            .as_ref()
            .map_or_else(provisional_replica, Lease::replica)
    }

    pub(super) fn register(&self, flusher: Weak<dyn Flush>) {
        self.flushers.borrow_mut().push(flusher);
    }

    /// Issues the writes of everything that is not saved yet.
    pub(super) fn flush(&self) {
        for flusher in self.flushers() {
            flusher.flush();
        }
    }

    /// The page ends, as far as it knows: flushes, and gives the lease back if everything is saved. Whatever is
    /// written after that, should the page come back, is written under ids that nobody had before.
    pub(super) fn close(&self) {
        self.flush();
        let flushers = self.flushers();
        if !flushers.iter().all(|flusher| flusher.is_saved()) {
            // The id stays marked as in use, and will be retired.
            return;
        }
        if let Some(lease) = self.lease.borrow_mut().take() {
            for flusher in &flushers {
                flusher.set_replica(provisional_replica());
            }
            let mut batch = Batch::new();
            lease.release_write(&mut batch);
            drop(leptos_sync_core::Storage::commit(&self.storage, batch));
        }
    }

    fn flushers(&self) -> Vec<Rc<dyn Flush>> {
        self.flushers
            .borrow()
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }
}
