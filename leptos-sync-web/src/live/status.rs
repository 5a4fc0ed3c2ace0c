use std::{
    any::Any,
    sync::{Arc, atomic::AtomicUsize},
};

use leptos::prelude::*;
use leptos_sync_core::{Error, ReplicaId, history::EntryId, sync::Permission};

use super::{AnyState, Connection, Mailbox, PathTable, Rejection, Rejections, StorageKind};
use crate::lock::Mutex;

/// The values of a document's status signals.
#[derive(Clone)]
pub(crate) struct StatusValues {
    pub(crate) loading: bool,
    pub(crate) unsaved: usize,
    pub(crate) storage: StorageKind,
    pub(crate) error: Option<Arc<Error>>,
    /// An error that no write resolves, such as a damaged record.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "a server writes nothing")
    )]
    pub(crate) permanent_error: Option<Arc<Error>>,
    pub(crate) pending: usize,
    /// Whether the document and the relay are equal, as far as the page knows.
    pub(crate) is_current: bool,
    pub(crate) connection: Connection,
    pub(crate) permission: Option<Permission>,
    pub(crate) rejected: Rejections,
    pub(crate) peers: Arc<Peers>,
}

/// The other clients that are present.
pub(crate) type Peers = Vec<Present>;

/// Another client, with its encoded presence.
#[derive(Clone)]
pub(crate) struct Present {
    pub(crate) id: ReplicaId,
    pub(crate) user: String,
    pub(crate) data: Vec<u8>,
}

impl StatusValues {
    /// Returns whether the browser's storage has every edit. A document in memory is not saved.
    pub(crate) fn is_saved(&self) -> bool {
        self.unsaved == 0 && self.storage != StorageKind::Memory
    }

    /// Returns whether the relay has every edit that this page knows, and the page has everything
    /// that the relay has reported.
    pub(crate) fn is_synced(&self) -> bool {
        let is_exchanged = !matches!(self.connection, Connection::Absent | Connection::Removed);
        is_exchanged && !self.loading && self.is_current
    }

    /// Returns whether the value of each signal has changed, in the order of [`StatusField`].
    fn differ(&self, old: &Self) -> [bool; SIGNALS] {
        [
            self.loading != old.loading,
            self.is_saved() != old.is_saved(),
            self.unsaved != old.unsaved,
            self.storage != old.storage,
            self.error.as_ref().map(Arc::as_ptr) != old.error.as_ref().map(Arc::as_ptr),
            self.is_synced() != old.is_synced(),
            self.pending != old.pending,
            self.connection != old.connection,
            self.permission != old.permission,
            !self.rejected.is_same_as(&old.rejected),
            !Arc::ptr_eq(&self.peers, &old.peers),
        ]
    }
}

/// A message from a document to its actor.
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "a server has no actor")
)]
pub(crate) enum Outgoing {
    /// A transaction was made.
    Edit(EntryId),
    /// The page's new presence, or empty if the page is not present.
    Presence(Vec<u8>),
    /// Work for the actor. A page contains only the code of the work that its app requests.
    Run(fn(&dyn Any)),
}

/// A value that has a signal.
#[derive(Clone, Copy)]
pub(crate) enum StatusField {
    Loading,
    Saved,
    Unsaved,
    Storage,
    Error,
    Synced,
    Pending,
    Connection,
    Permission,
    Rejected,
    Peers,
}

const SIGNALS: usize = StatusField::Peers as usize + 1;

/// The link between a document and its actor: a queue of messages to the actor, and the status that
/// the actor reports.
pub(crate) struct Status {
    pub(crate) outgoing: Mailbox<Outgoing>,
    /// The number of calls of `use_presence`.
    pub(crate) uses: AtomicUsize,
    table: Arc<PathTable>,
    values: Mutex<StatusValues>,
    triggers: [ArcTrigger; SIGNALS],
}

impl Status {
    pub(crate) fn new(has_relay: bool, table: Arc<PathTable>) -> Self {
        Self {
            outgoing: Mailbox::new(),
            uses: AtomicUsize::new(0),
            table,
            values: Mutex::new(StatusValues {
                loading: true,
                unsaved: 0,
                storage: StorageKind::Opening,
                error: None,
                permanent_error: None,
                pending: 0,
                is_current: false,
                connection: match has_relay {
                    true => Connection::Connecting,
                    false => Connection::Absent,
                },
                permission: None,
                rejected: Rejections::default(),
                peers: Arc::default(),
            }),
            triggers: std::array::from_fn(|_| ArcTrigger::new()),
        }
    }

    /// Changes values, and notifies the subscribers of those that have changed.
    // Not generic, since a page makes many changes.
    pub(crate) fn change(&self, change: &mut dyn FnMut(&mut StatusValues)) {
        let mut values = self.values.lock();
        let old = values.clone();
        change(&mut values);
        let differ = values.differ(&old);
        // Release the lock, since a subscriber may read the values.
        drop(values);
        for (trigger, differs) in self.triggers.iter().zip(differ) {
            if differs {
                trigger.notify();
            }
        }
    }

    /// Lists an edit that this device rejected. `state` is the document's state with the edit.
    pub(crate) fn reject(self: &Arc<Self>, error: &Error, state: Option<AnyState>) {
        self.list_rejection(Rejection::local(Arc::downgrade(self), error, state));
    }

    pub(super) fn list_rejection(&self, rejection: Rejection) {
        self.change(&mut |status| status.rejected.push(rejection.clone()));
    }

    /// Removes the listed rejections for which `is` returns true.
    pub(crate) fn dismiss(&self, is: &dyn Fn(&Rejection) -> bool) {
        let mut is_removed = false;
        self.change(&mut |status| is_removed |= status.rejected.remove(is));
        if is_removed {
            // A bound input may still show a rejected text. The document never had it, so nothing
            // has notified the input.
            self.table.notify_all();
        }
    }

    /// Returns whether the storage is known to have the whole document and nothing remains to be
    /// sent.
    pub(crate) fn is_stored(&self) -> bool {
        let values = self.values.lock();
        !values.loading && values.unsaved == 0 && values.pending == 0
    }

    /// Closes the queue: the document no longer has an actor.
    pub(crate) fn close(&self) {
        self.outgoing.close();
    }

    /// Returns the current values.
    pub(super) fn values(&self) -> StatusValues {
        self.values.lock().clone()
    }

    pub(super) fn track(&self, field: StatusField) {
        if let Some(trigger) = self.triggers.get(field as usize) {
            trigger.track();
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl Status {
    /// Reports an error of the storage.
    pub(crate) fn error(&self, error: Error) {
        let error = Arc::new(error);
        self.change(&mut |status| status.error = Some(Arc::clone(&error)));
    }

    /// Reports that the document is in memory only, and why. `entries` is the size of its outbox.
    pub(crate) fn keep_in_memory(&self, error: Error, entries: usize) {
        let error = Arc::new(error);
        self.change(&mut |status| {
            status.error = Some(Arc::clone(&error));
            status.storage = StorageKind::Memory;
            status.unsaved = status.unsaved.max(entries);
            status.loading = false;
        });
    }

    /// Reports an error that no write resolves.
    pub(crate) fn permanent_error(&self, error: Error) {
        let error = Some(Arc::new(error));
        self.change(&mut |status| {
            status.error.clone_from(&error);
            status.permanent_error.clone_from(&error);
        });
    }

    /// Lists the rejection of an entry by the relay, unless a listed rejection includes it. Typed
    /// text is one edit per keystroke, so many rejections concern the same text.
    pub(crate) fn reject_by_relay(&self, rejection: Rejection, id: EntryId) {
        let rejected = self.values().rejected;
        if !rejected
            .iter()
            .any(|listed| listed.includes(&rejection, id))
        {
            self.list_rejection(rejection);
        }
    }

    /// Returns the user's permission, if it is known.
    pub(crate) fn permission(&self) -> Option<Permission> {
        self.values.lock().permission
    }

    /// Returns whether the document is open at the relay.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn is_online(&self) -> bool {
        self.values.lock().connection == Connection::Online
    }

    /// Returns whether the document was removed at the relay.
    pub(crate) fn is_removed(&self) -> bool {
        self.values.lock().connection == Connection::Removed
    }

    /// Returns whether the relay has reported that the user may only read.
    pub(crate) fn is_reader(&self) -> bool {
        self.permission() == Some(Permission::Read)
    }

    /// Returns whether the stored document is still being read.
    pub(crate) fn is_loading(&self) -> bool {
        self.values.lock().loading
    }
}
