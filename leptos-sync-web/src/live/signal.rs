use std::{fmt, panic::Location, sync::Arc};

use leptos::prelude::*;
use leptos_sync_core::Error;

use super::{
    Connection, Refusal, StorageKind,
    status::{Status, StatusField, StatusValues},
};
use crate::node::OwnGuard;

/// The status of a document, which belongs to a reactive owner.
pub(crate) type StoredStatus = StoredValue<Arc<Status>>;

/// One of the things that are known of a document's storage and its relay, as a signal to read: `.get()`, `.with()`, `.track()` and the
/// like, as of leptos' own signals; and it is turned into one of those by `.into()`.
///
/// It belongs to the reactive owner that called [`use_doc`](crate::use_doc), and notifies where it shows something else
/// than before.
pub struct StatusSignal<T: 'static> {
    // The same for signals of all types, so that a page has their code once.
    status: StoredStatus,
    shows: StatusField,
    of: fn(&StatusValues) -> T,
    defined_at: &'static Location<'static>,
}

impl StatusSignal<bool> {
    #[track_caller]
    pub(crate) fn loading(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Loading, |status| status.loading)
    }

    #[track_caller]
    pub(crate) fn saved(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Saved, |status| status.unsaved == 0)
    }

    #[track_caller]
    pub(crate) fn synced(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Synced, StatusValues::is_synced)
    }

    #[track_caller]
    pub(crate) fn clock_blocked(status: StoredStatus) -> Self {
        Self::new(status, StatusField::ClockBlocked, |status| {
            status.clock_blocked
        })
    }
}

impl StatusSignal<usize> {
    #[track_caller]
    pub(crate) fn unsaved(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Unsaved, |status| status.unsaved)
    }

    #[track_caller]
    pub(crate) fn pending(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Pending, |status| status.pending)
    }

    #[track_caller]
    pub(crate) fn peers(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Peers, |status| status.peers.len())
    }
}

impl StatusSignal<Connection> {
    #[track_caller]
    pub(crate) fn connection(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Connection, |status| status.connection)
    }
}

impl StatusSignal<Option<Arc<Refusal>>> {
    #[track_caller]
    pub(crate) fn reason(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Reason, |status| status.reason.clone())
    }

    #[track_caller]
    pub(crate) fn rejected(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Rejected, |status| {
            status.rejected.clone()
        })
    }
}

impl<P> StatusSignal<Vec<P>> {
    /// Who else is present, as `of` reads it.
    #[track_caller]
    pub(crate) fn present(status: StoredStatus, of: fn(&StatusValues) -> Vec<P>) -> Self {
        Self::new(status, StatusField::Peers, of)
    }
}

impl StatusSignal<StorageKind> {
    #[track_caller]
    pub(crate) fn storage(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Storage, |status| status.storage)
    }
}

impl StatusSignal<Option<Arc<Error>>> {
    #[track_caller]
    pub(crate) fn error(status: StoredStatus) -> Self {
        Self::new(status, StatusField::Error, |status| status.error.clone())
    }
}

impl<T> StatusSignal<T> {
    #[track_caller]
    fn new(status: StoredStatus, shows: StatusField, of: fn(&StatusValues) -> T) -> Self {
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
        let values = self.status.try_get_value()?.values();
        Some(OwnGuard((self.of)(&values)))
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
