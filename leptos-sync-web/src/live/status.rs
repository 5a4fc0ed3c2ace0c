use std::sync::{Arc, atomic::AtomicUsize};

use leptos::prelude::*;
use leptos_sync_core::{Delta, Error, ReplicaId};

use super::{Connection, Mailbox, Refusal, StorageKind};
use crate::lock::Mutex;

/// What is known of a document's storage and of its exchange with a relay.
#[derive(Clone)]
pub(crate) struct StatusValues {
    pub(crate) loading: bool,
    pub(crate) unsaved: usize,
    /// Whether something was applied, which is not stored by that.
    pub(crate) applied: bool,
    pub(crate) storage: StorageKind,
    pub(crate) error: Option<Arc<Error>>,
    /// The error that no write mends.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "on a server nothing is written")
    )]
    pub(crate) permanent_error: Option<Arc<Error>>,
    pub(crate) pending: usize,
    pub(crate) connection: Connection,
    /// Why the connection is what it is.
    pub(crate) reason: Option<Arc<Refusal>>,
    pub(crate) rejected: Option<Arc<Refusal>>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) clock_blocked: bool,
}

/// Who else is present, and with what.
pub(crate) type Peers = Vec<(ReplicaId, Vec<u8>)>;

impl StatusValues {
    /// Whether the relay has everything, as far as this page knows.
    pub(crate) fn is_synced(&self) -> bool {
        self.connection != Connection::Absent && !self.loading && self.pending == 0
    }

    /// For each signal, in the order of [`StatusField`], whether it shows something else than it did before.
    fn differ(&self, old: &Self) -> [bool; SIGNALS] {
        [
            self.loading != old.loading,
            (self.unsaved == 0) != (old.unsaved == 0),
            self.unsaved != old.unsaved,
            self.storage != old.storage,
            another(&self.error, &old.error),
            self.is_synced() != old.is_synced(),
            self.pending != old.pending,
            self.connection != old.connection,
            another(&self.reason, &old.reason),
            another(&self.rejected, &old.rejected),
            !Arc::ptr_eq(&self.peers, &old.peers),
            self.clock_blocked != old.clock_blocked,
        ]
    }
}

/// Whether these are not the same thing.
fn another<T>(new: &Option<Arc<T>>, old: &Option<Arc<T>>) -> bool {
    new.as_ref().map(Arc::as_ptr) != old.as_ref().map(Arc::as_ptr)
}

/// What goes from a document to its storage and its relay.
#[cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "on a server nobody takes it")
)]
pub(crate) enum Outgoing {
    /// A transaction was made.
    Edit(Delta),
    /// This is true of the page from now on; nothing, if it is empty.
    Presence(Vec<u8>),
}

/// Which of the values a signal shows.
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
    Reason,
    Rejected,
    Peers,
    ClockBlocked,
}

const SIGNALS: usize = StatusField::ClockBlocked as usize + 1;

/// A document's side of its storage and its relay: what goes there, what is known of it, and who listens.
pub(crate) struct Status {
    pub(crate) outgoing: Mailbox<Outgoing>,
    /// How often presence was asked for.
    pub(crate) uses: AtomicUsize,
    values: Mutex<StatusValues>,
    triggers: [ArcTrigger; SIGNALS],
}

impl Status {
    pub(crate) fn new() -> Self {
        Self {
            outgoing: Mailbox::new(),
            uses: AtomicUsize::new(0),
            values: Mutex::new(StatusValues {
                loading: true,
                unsaved: 0,
                applied: false,
                storage: StorageKind::Opening,
                error: None,
                permanent_error: None,
                pending: 0,
                connection: Connection::Absent,
                reason: None,
                rejected: None,
                peers: Arc::default(),
                clock_blocked: false,
            }),
            triggers: std::array::from_fn(|_| ArcTrigger::new()),
        }
    }

    /// Changes what is known, and tells whoever listens to what became another.
    // Once for all changes, of which a page has many.
    pub(crate) fn change(&self, change: &mut dyn FnMut(&mut StatusValues)) {
        let mut values = self.values.lock();
        let old = values.clone();
        change(&mut values);
        let differ = values.differ(&old);
        // A listener may look at them.
        drop(values);
        for (trigger, differs) in self.triggers.iter().zip(differ) {
            if differs {
                trigger.notify();
            }
        }
    }

    /// Something went wrong.
    pub(crate) fn error(&self, error: Error) {
        let error = Arc::new(error);
        self.change(&mut |status| status.error = Some(Arc::clone(&error)));
    }

    /// Something is wrong that no write mends.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn permanent_error(&self, error: Error) {
        let error = Some(Arc::new(error));
        self.change(&mut |status| {
            status.error.clone_from(&error);
            status.permanent_error.clone_from(&error);
        });
    }

    /// Whether nothing of the document is known to be in memory alone, and nothing is to be sent.
    pub(crate) fn is_stored(&self) -> bool {
        let values = self.values.lock();
        !values.loading && values.unsaved == 0 && !values.applied && values.pending == 0
    }

    /// Whether the stored document is still being read.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn is_loading(&self) -> bool {
        self.values.lock().loading
    }

    /// From now on nothing is kept.
    pub(crate) fn close(&self) {
        self.outgoing.close();
    }

    /// The values as they are now.
    pub(super) fn values(&self) -> StatusValues {
        self.values.lock().clone()
    }

    pub(super) fn track(&self, shows: StatusField) {
        if let Some(trigger) = self.triggers.get(shows as usize) {
            trigger.track();
        }
    }
}
