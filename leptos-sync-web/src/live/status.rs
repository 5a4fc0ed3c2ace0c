use std::sync::{Arc, MutexGuard};

use leptos::prelude::*;
use leptos_sync_core::{Delta, Error};

use super::Outbox;
use crate::lock::Mutex;

/// Where a document is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorageKind {
    /// Nowhere yet: the storage is being opened. Edits are queued.
    Opening,
    /// In the browser's IndexedDB.
    IndexedDb,
    /// In memory only, until the page is closed: there is no storage here, or the browser refused it.
    Memory,
}

/// What is known of a document's storage.
#[derive(Clone)]
pub(crate) struct Facts {
    pub(crate) loading: bool,
    pub(crate) unsaved: usize,
    /// Whether something was applied, which is not stored by that.
    pub(crate) applied: bool,
    pub(crate) storage: StorageKind,
    pub(crate) error: Option<Arc<Error>>,
}

impl Facts {
    /// For each signal, in the order of [`Shows`], whether it shows something else than it did before.
    fn differ(&self, old: &Self) -> [bool; 5] {
        let address = |facts: &Self| facts.error.as_ref().map(Arc::as_ptr);
        [
            self.loading != old.loading,
            (self.unsaved == 0) != (old.unsaved == 0),
            self.unsaved != old.unsaved,
            self.storage != old.storage,
            address(self) != address(old),
        ]
    }
}

/// Which of the facts a signal shows.
#[derive(Clone, Copy)]
pub(crate) enum Shows {
    Loading,
    Saved,
    Unsaved,
    Storage,
    Error,
}

/// A document's side of its storage: what goes there, what is known of it, and who listens.
pub(crate) struct Status {
    pub(crate) outbox: Outbox<Delta>,
    facts: Mutex<Facts>,
    triggers: [ArcTrigger; 5],
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            outbox: Outbox::new(),
            facts: Mutex::new(Facts {
                loading: true,
                unsaved: 0,
                applied: false,
                storage: StorageKind::Opening,
                error: None,
            }),
            triggers: std::array::from_fn(|_| ArcTrigger::new()),
        }
    }

    /// Changes what is known, and tells whoever listens to what became another.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Facts)) {
        let mut facts = self.facts.lock();
        let old = facts.clone();
        change(&mut facts);
        self.tell(facts, &old);
    }

    // Out of line, once for all changes.
    #[inline(never)]
    fn tell(&self, facts: MutexGuard<'_, Facts>, old: &Facts) {
        let differ = facts.differ(old);
        // A listener may look at them.
        drop(facts);
        for (trigger, differs) in self.triggers.iter().zip(differ) {
            if differs {
                trigger.notify();
            }
        }
    }

    /// Something went wrong.
    pub(crate) fn error(&self, error: Error) {
        self.change(|facts| facts.error = Some(Arc::new(error)));
    }

    /// Whether nothing of the document is known to be in memory alone.
    pub(crate) fn is_stored(&self) -> bool {
        let facts = self.facts.lock();
        !facts.loading && facts.unsaved == 0 && !facts.applied
    }

    /// The facts as they are now.
    pub(super) fn facts(&self) -> Facts {
        self.facts.lock().clone()
    }

    pub(super) fn track(&self, shows: Shows) {
        if let Some(trigger) = self.triggers.get(shows as usize) {
            trigger.track();
        }
    }
}
