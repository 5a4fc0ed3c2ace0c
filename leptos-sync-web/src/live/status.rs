use std::sync::Arc;

use leptos::prelude::*;
use leptos_sync_core::Error;

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

/// What is known of a document's storage, as signals.
#[derive(Clone)]
pub(crate) struct Status {
    pub(crate) loading: ArcRwSignal<bool>,
    pub(crate) saved: ArcRwSignal<bool>,
    pub(crate) unsaved: ArcRwSignal<usize>,
    pub(crate) storage: ArcRwSignal<StorageKind>,
    pub(crate) error: ArcRwSignal<Option<Arc<Error>>>,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            loading: ArcRwSignal::new(true),
            saved: ArcRwSignal::new(true),
            unsaved: ArcRwSignal::new(0),
            storage: ArcRwSignal::new(StorageKind::Opening),
            error: ArcRwSignal::new(None),
        }
    }

    /// One more transaction is not saved.
    pub(crate) fn edited(&self) {
        self.set_unsaved(self.unsaved.get_untracked() + 1);
    }

    /// So many transactions are not saved.
    pub(crate) fn set_unsaved(&self, unsaved: usize) {
        self.unsaved.set(unsaved);
        let saved = unsaved == 0;
        if self.saved.get_untracked() != saved {
            self.saved.set(saved);
        }
    }

    pub(crate) fn error(&self, error: Option<Error>) {
        if error.is_some() || self.error.with_untracked(Option::is_some) {
            self.error.set(error.map(Arc::new));
        }
    }
}
