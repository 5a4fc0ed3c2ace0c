use std::rc::Weak;

use leptos_sync_core::{ReplicaId, VersionVector};

use super::page::Page;
use crate::{
    cell::RefCell,
    web_locks::{Lock, Locks},
};

/// The replica ids whose transactions this page sends to the relay: its own, and those of pages
/// that have closed.
///
/// Each replica id has a lock, named after it, which one page holds at a time. The holder sends the
/// transactions that were written under the id, restamps them, and receives the answers. When it
/// dies, the browser gives the lock to a page that waits for it.
pub(super) struct SendLocks {
    page: Weak<Page>,
    /// The database's name, and the locks. Without locks, each page sends all transactions that it
    /// knows.
    locks: Option<(String, Locks)>,
    known: RefCell<Vec<SendLock>>,
}

/// The lock of a replica id, requested or held.
struct SendLock {
    replica: ReplicaId,
    /// Whether this page writes under the id. If not, it releases the lock when nothing is left to
    /// send, so that the id can be leased again.
    own: bool,
    /// Whether this page sends for the id.
    granted: bool,
    /// The lock, which is released when this is dropped. `None` until the lock is granted, or if
    /// the browser has no locks.
    lock: Option<Lock>,
}

impl SendLocks {
    pub(super) fn new(page: Weak<Page>, database: &str) -> Self {
        let locks = Locks::new().ok();
        Self {
            page,
            locks: locks.map(|locks| (database.to_owned(), locks)),
            known: RefCell::default(),
        }
    }

    /// Returns whether this page sends the transactions of `replica`.
    pub(super) fn has(&self, replica: ReplicaId) -> bool {
        let known = self.known.borrow();
        let mut known = known.iter();
        self.locks.is_none() || known.any(|known| known.replica == replica && known.granted)
    }

    /// Starts sending for `replica` as soon as no other page does. `own` is true if this page
    /// writes under the id.
    pub(super) fn claim(&self, replica: ReplicaId, own: bool) {
        let Some((database, locks)) = &self.locks else {
            return;
        };
        let mut all = self.known.borrow_mut();
        if let Some(known) = all.iter_mut().find(|known| known.replica == replica) {
            known.own |= own;
            return;
        }
        all.push(SendLock {
            replica,
            own,
            granted: false,
            lock: None,
        });
        drop(all);
        let page = self.page.clone();
        locks.wait(&Locks::of_replica(database, replica), move |lock| {
            if let Some(page) = page.upgrade() {
                let own = page.send_locks().granted(replica, lock);
                page.adopt(replica, own);
            }
        });
    }

    /// Starts sending for an id of this page, which holds the lock already.
    pub(super) fn hold(&self, replica: ReplicaId, lock: Lock) {
        self.known.borrow_mut().push(SendLock {
            replica,
            own: true,
            granted: true,
            lock: Some(lock),
        });
    }

    /// Records that this page no longer writes under the id.
    pub(super) fn disown(&self, replica: ReplicaId) {
        for known in self.known.borrow_mut().iter_mut() {
            known.own &= known.replica != replica;
        }
    }

    /// Stores a lock that was granted. Returns whether this page writes under the id.
    fn granted(&self, replica: ReplicaId, lock: Option<Lock>) -> bool {
        let mut known = self.known.borrow_mut();
        let known = known.iter_mut().find(|known| known.replica == replica);
        known.is_some_and(|known| {
            known.granted = true;
            known.lock = lock;
            known.own
        })
    }

    /// Releases the ids of other pages that have nothing to send. `unsent` contains the writers of
    /// all transactions that remain to be sent.
    pub(super) fn release(&self, unsent: &VersionVector) {
        let mut known = self.known.borrow_mut();
        known.retain(|known| {
            known.own || !known.granted || unsent.iter().any(|(id, _)| id == known.replica)
        });
    }

    /// Returns whether this page sends for ids of other pages.
    pub(super) fn has_others(&self) -> bool {
        let known = self.known.borrow();
        known.iter().any(|known| known.granted && !known.own)
    }
}
