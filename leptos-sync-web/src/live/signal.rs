use std::{fmt, panic::Location, sync::Arc};

use leptos::prelude::*;
use leptos_sync_core::Error;

use super::{
    StorageKind,
    status::{Facts, Shows, Status},
};
use crate::node::OwnGuard;

/// One of the things that are known of a document's storage, as a signal to read: `.get()`, `.with()`, `.track()` and the
/// like, as of leptos' own signals; and it is turned into one of those by `.into()`.
///
/// It belongs to the reactive owner that called [`use_doc`](crate::use_doc), and notifies where it shows something else
/// than before.
pub struct StatusSignal<T: 'static> {
    // The same for signals of all types, so that a page has their code once.
    status: StoredValue<Arc<Status>>,
    shows: Shows,
    of: fn(&Facts) -> T,
    defined_at: &'static Location<'static>,
}

/// All of them.
pub(crate) struct StatusSignals {
    pub(crate) loading: StatusSignal<bool>,
    pub(crate) saved: StatusSignal<bool>,
    pub(crate) unsaved: StatusSignal<usize>,
    pub(crate) storage: StatusSignal<StorageKind>,
    pub(crate) error: StatusSignal<Option<Arc<Error>>>,
}

impl StatusSignals {
    /// The signals of `status`, which belong to the current owner.
    #[track_caller]
    pub(crate) fn new(status: Arc<Status>) -> Self {
        let status = StoredValue::new(status);
        Self {
            loading: StatusSignal::new(status, Shows::Loading, |facts| facts.loading),
            saved: StatusSignal::new(status, Shows::Saved, |facts| facts.unsaved == 0),
            unsaved: StatusSignal::new(status, Shows::Unsaved, |facts| facts.unsaved),
            storage: StatusSignal::new(status, Shows::Storage, |facts| facts.storage),
            error: StatusSignal::new(status, Shows::Error, |facts| facts.error.clone()),
        }
    }
}

impl<T> StatusSignal<T> {
    #[track_caller]
    fn new(status: StoredValue<Arc<Status>>, shows: Shows, of: fn(&Facts) -> T) -> Self {
        Self {
            status,
            shows,
            of,
            defined_at: Location::caller(),
        }
    }
}

impl<T> Track for StatusSignal<T> {
    fn track(&self) {
        if let Some(status) = self.status.try_get_value() {
            status.track(self.shows);
        }
    }
}

impl<T> ReadUntracked for StatusSignal<T> {
    type Value = OwnGuard<T>;

    fn try_read_untracked(&self) -> Option<OwnGuard<T>> {
        let facts = self.status.try_get_value()?.facts();
        Some(OwnGuard((self.of)(&facts)))
    }
}

impl<T: Clone + Send + Sync> From<StatusSignal<T>> for Signal<T> {
    #[track_caller]
    fn from(signal: StatusSignal<T>) -> Self {
        Signal::derive(move || signal.get())
    }
}

impl<T> DefinedAt for StatusSignal<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        Some(self.defined_at)
    }
}

impl<T> IsDisposed for StatusSignal<T> {
    fn is_disposed(&self) -> bool {
        self.status.is_disposed()
    }
}

impl<T> Clone for StatusSignal<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for StatusSignal<T> {}

impl<T> fmt::Debug for StatusSignal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusSignal")
            .field("defined_at", &self.defined_at)
            .finish_non_exhaustive()
    }
}
