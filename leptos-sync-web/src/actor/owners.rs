use std::{cell::RefCell, rc::Weak};

use leptos_sync_core::ReplicaId;

use super::page::Page;
use crate::web_locks::Locks;

/// Whose transactions this page sends to the relay: its own, and those of pages that are gone.
///
/// Each replica id has a lock by its name, which one page holds at a time. Whoever holds it sends what was written under
/// the id, stamps it anew, and is told what becomes of it; when that page dies, the browser gives the lock to one that waits.
pub(super) struct Owners {
    page: Weak<Page>,
    /// The database's name, and the locks; without them each page sends everything it knows of.
    locks: Option<(String, Locks)>,
    /// The ids whose locks were asked for, and whether they are held.
    known: RefCell<Vec<(ReplicaId, bool)>>,
}

impl Owners {
    pub(super) fn new(page: Weak<Page>, database: &str) -> Self {
        let locks = Locks::new().ok();
        Self {
            page,
            locks: locks.map(|locks| (database.to_owned(), locks)),
            known: RefCell::default(),
        }
    }

    /// Whether this page sends what was written under `replica`.
    pub(super) fn has(&self, replica: ReplicaId) -> bool {
        let known = self.known.borrow();
        self.locks.is_none() || known.contains(&(replica, true))
    }

    /// Sends for `replica` as soon as nobody else does.
    pub(super) fn claim(&self, replica: ReplicaId) {
        let Some((database, locks)) = &self.locks else {
            return;
        };
        let mut known = self.known.borrow_mut();
        if known.iter().any(|(known, _)| *known == replica) {
            return;
        }
        known.push((replica, false));
        drop(known);
        let name = format!("leptos-sync:{database}:replica:{replica}");
        let page = self.page.clone();
        locks.hold(&name, move || {
            if let Some(page) = page.upgrade() {
                page.owners().granted(replica);
                page.adopt(replica);
            }
        });
    }

    fn granted(&self, replica: ReplicaId) {
        for (known, held) in self.known.borrow_mut().iter_mut() {
            *held |= *known == replica;
        }
    }
}
