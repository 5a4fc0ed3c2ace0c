//! The actor of one document: it reads and writes the storage, synchronizes other tabs, and
//! exchanges the document with the relay.

mod disk;
mod exchange;
mod load;
mod tabs;

use std::{
    cell::{Cell, OnceCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use leptos_sync_core::{
    Delta, Error, ReplicaId, Root, VersionVector,
    engine::DocStore,
    limits,
    sync::{Channel, Reason, TabMessageKind},
};
use send_wrapper::SendWrapper;

use self::{disk::Disk, exchange::Exchanged};
use super::page::{AnyDocument, Page};
use crate::{
    cell::RefCell,
    live::{Cause, Connection, LiveDoc, Outgoing, StorageKind},
    provider::provisional_replica,
    task::{after, spawn},
};

/// Starts the actor of a document. It lives as long as the page, or until the document is evicted.
pub(super) fn start<S: Root>(page: &Rc<Page>, name: String, doc: LiveDoc<S>) {
    let store = page
        .storage()
        .and_then(|storage| DocStore::new(storage, &name));
    let disk = OnceCell::new();
    let error = match store {
        Ok(store) => {
            let _ = disk.set(Disk::new(store));
            doc.status()
                .change(&mut |status| status.storage = StorageKind::IndexedDb);
            None
        }
        Err(error) => Some(error),
    };
    let replica = doc.with_state(|state| state.doc.replica());
    let actor = Rc::new(DocumentActor {
        page: Rc::clone(page),
        name,
        doc,
        disk,
        replica: Cell::new(replica),
        channel: Cell::default(),
        presence: RefCell::default(),
        timers: Cell::default(),
        queued: RefCell::default(),
        has_gap: Cell::default(),
        is_detached: Cell::default(),
        is_recovering: Cell::default(),
    });
    if let Some(error) = error {
        actor.keep_in_memory(error);
        if page.storage().is_err() {
            actor.after(Timer::Recover);
        }
    }
    page.register(Rc::clone(&actor) as Rc<dyn AnyDocument>);
    let status = Arc::clone(actor.doc.status());
    let takes = SendWrapper::new(DetachOnDrop(actor));
    status
        .outgoing
        .open(Arc::new(move |outgoing| match outgoing {
            Outgoing::Edit(delta) => takes.0.edited(delta),
            Outgoing::Presence(data) => takes.0.set_presence(data),
        }));
}

/// The actor of one document. The mailbox of the document's status owns it.
struct DocumentActor<S: 'static> {
    page: Rc<Page>,
    name: String,
    doc: LiveDoc<S>,
    /// The place where the document is stored, if there is one.
    disk: OnceCell<Disk>,
    /// The replica id for later operations. It may change while the document is being read.
    replica: Cell<ReplicaId>,
    /// The document's channel on the connection to the relay, if it is exchanged.
    channel: Cell<Option<Channel>>,
    /// The page's presence to send.
    presence: RefCell<Option<Vec<u8>>>,
    /// The timers that are set, one bit each.
    timers: Cell<u8>,
    /// Messages of other tabs that arrived while the document was being read. They may concern the
    /// data being read.
    queued: RefCell<Vec<TabMessageKind>>,
    /// Whether operations have been missing since the last request to the other tabs.
    has_gap: Cell<bool>,
    /// Whether the document was evicted.
    is_detached: Cell<bool>,
    /// Whether a read is in progress that may bring the document from memory into the storage.
    is_recovering: Cell<bool>,
}

/// A kind of work that runs after a delay.
#[derive(Clone, Copy)]
enum Timer {
    /// Flushes queued transactions.
    Flush,
    /// Writes the deltas from the relay.
    Received,
    /// Retries a failed write.
    Retry,
    /// Reads the stored document again. Until that succeeds, the document is in memory only.
    Recover,
    /// Sends the page's presence.
    Presence,
    /// Sends the other tabs another request if operations are missing.
    Ask,
}

impl Timer {
    fn delay(self) -> Duration {
        match self {
            Self::Flush | Self::Received => Duration::from_millis(limits::SAVE_DELAY_MS.into()),
            Self::Retry | Self::Ask => RETRY,
            Self::Recover => RECOVER,
            Self::Presence => INTERVAL,
        }
    }
}

/// The delay before a failed write is retried if no edit arrives. Also the delay between requests
/// to other tabs for missing operations, which those tabs may not have.
const RETRY: Duration = Duration::from_secs(5);

/// The delay before the storage of a document in memory is retried.
const RECOVER: Duration = Duration::from_secs(30);

/// The minimum time between two presence messages of a page. Twenty a second look smooth.
const INTERVAL: Duration = Duration::from_millis(50);

/// A guard that marks the actor's document as evicted when it is dropped.
struct DetachOnDrop<S: Root>(Rc<DocumentActor<S>>);

impl<S: Root> Drop for DetachOnDrop<S> {
    fn drop(&mut self) {
        self.0.is_detached.set(true);
        if let (Some(channel), Some(Ok(session))) = (self.0.channel.take(), self.0.page.session()) {
            session.run(move |client| drop(client.leave(channel)));
        }
    }
}

impl<S: Root> DocumentActor<S> {
    /// Handles a transaction of this page.
    fn edited(self: &Rc<Self>, delta: Delta) {
        // Request the lock before any other page knows of the edit.
        self.claim(delta.upto(), true);
        self.send_to_tabs(TabMessageKind::Edit(delta.clone()));
        self.save(delta);
        self.push();
    }

    /// Starts sending the transactions of these writers once no other page sends them. `own` is
    /// true if this page writes under their ids.
    fn claim(&self, writers: &VersionVector, own: bool) {
        if self.page.session().is_some() {
            for (replica, _) in writers.iter() {
                self.page.send_locks().claim(replica, own);
            }
        }
    }

    /// Starts sending the transactions of other pages too, once those pages no longer send them.
    fn claim_others(&self) {
        self.claim(&self.writers(), false);
    }

    /// Starts exchanging the document, once the stored document is joined.
    fn begin(self: &Rc<Self>) {
        for kind in self.queued.take() {
            self.handle_message(kind);
        }
        self.ask_others();
        self.claim_others();
        match self.page.session() {
            None => {}
            Some(Err(error)) => self.not_exchanged(error),
            Some(Ok(session)) => {
                let (this, state) = (Rc::clone(self), Rc::clone(session));
                session.run(move |client| {
                    let document = Box::new(Exchanged(Rc::clone(&this)));
                    this.show(&state.state(client));
                    match client.open(&this.name, S::SCHEMA, document) {
                        Ok(channel) => {
                            this.channel.set(Some(channel));
                            this.send_presence();
                        }
                        Err(error) => this.not_exchanged(error),
                    }
                });
            }
        }
    }

    /// Reports that the document cannot be exchanged.
    fn not_exchanged(&self, error: Error) {
        let cause = Cause::Invalid(error.to_string().into());
        self.set_connection(Connection::Refused(cause));
    }

    /// Sets the state of the exchange.
    pub(super) fn set_connection(&self, connection: Connection) {
        self.doc.status().change(&mut |status| {
            status.connection = connection.clone();
            // The relay sends the presence of the others again.
            status.peers = Arc::default();
        });
    }

    /// Updates the status from the state of the page's connection.
    fn show(&self, connection: &Connection) {
        self.doc.status().change(&mut |status| {
            status.peers = Arc::default();
            let has_no_room = matches!(
                status.connection,
                Connection::Offline(Cause::Relay {
                    reason: Reason::TooManyDocuments,
                    ..
                })
            );
            status.connection = match connection {
                // The client has reported the cause already.
                Connection::Online if has_no_room => return,
                // The document is not open at the relay yet.
                Connection::Online => Connection::Connecting,
                other => other.clone(),
            };
        });
    }

    /// Sets the page's presence.
    fn set_presence(self: &Rc<Self>, data: Vec<u8>) {
        self.presence.replace(Some(data));
        self.send_presence();
    }

    /// Sends the page's presence, unless the last message was too recent.
    fn send_presence(self: &Rc<Self>) {
        let (Some(Ok(session)), Some(channel)) = (self.page.session(), self.channel.get()) else {
            return;
        };
        if self.is_set(Timer::Presence) {
            return;
        }
        if let Some(data) = self.presence.take() {
            self.after(Timer::Presence);
            session.run(move |client| {
                // This cannot fail, since the size was checked when the presence was set.
                let _ = client.set_presence(channel, data);
            });
        }
    }

    /// Sends the relay the transactions that it lacks.
    fn push(&self) {
        if let (Some(Ok(session)), Some(channel)) = (self.page.session(), self.channel.get()) {
            session.run(move |client| client.edited(channel));
        }
    }

    fn is_set(&self, timer: Timer) -> bool {
        self.timers.get() & (1 << timer as u8) != 0
    }

    /// Sets a timer, unless it is already set.
    fn after(self: &Rc<Self>, timer: Timer) {
        if self.is_set(timer) {
            return;
        }
        let bit = 1 << timer as u8;
        self.timers.set(self.timers.get() | bit);
        let this = Rc::clone(self);
        after(timer.delay(), move || {
            this.timers.set(this.timers.get() & !bit);
            match timer {
                Timer::Flush => this.flush_waiting(),
                Timer::Received => this.write_received(),
                Timer::Retry => this.retry(),
                Timer::Recover => this.recover(),
                Timer::Presence => this.send_presence(),
                Timer::Ask => this.ask_others_again(),
            }
        });
    }
}

impl<S: Root> AnyDocument for DocumentActor<S> {
    fn load(self: Rc<Self>, replica: ReplicaId) {
        self.replica.set(replica);
        spawn(async move {
            self.load_stored().await;
            self.compact();
            self.begin();
        });
    }

    fn flush(self: Rc<Self>) {
        self.flush_now();
    }

    fn is_saved(&self) -> bool {
        self.disk.get().is_none_or(Disk::is_saved)
    }

    fn retire(&self, replica: ReplicaId) {
        // While the document is being read, it is written under another id.
        let now = self.doc.with_state(|state| state.doc.replica());
        if [now, self.replica.get()].contains(&replica) {
            self.replica.set(provisional_replica());
            self.set_own_replica();
        }
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn receive(self: Rc<Self>, kind: TabMessageKind) {
        if self.doc.status().is_loading() {
            let mut queued = self.queued.borrow_mut();
            // Lost operations are requested again after the read, but messages of these two kinds
            // are sent only once.
            let once = matches!(
                kind,
                TabMessageKind::Rejected { .. } | TabMessageKind::Restamped(_)
            );
            if once || queued.len() < limits::QUEUED_TAB_MESSAGES {
                queued.push(kind);
            }
        } else if !self.is_detached.get() {
            self.handle_message(kind);
        }
    }

    fn hurry(self: Rc<Self>) {
        self.ask_others();
        self.recover();
    }

    fn writers(&self) -> VersionVector {
        self.doc.with_state(|state| state.outbox.writers())
    }

    fn adopt(self: Rc<Self>, replica: ReplicaId) {
        // A document that is being read will claim the writers that it finds.
        if self.doc.status().is_loading() || self.is_detached.get() {
            return;
        }
        // The writer may have died before it sent or stored the transactions, so read them. Reading
        // also records which records a rewrite must replace if the transactions are restamped.
        self.page.reading.set(self.page.reading.get() + 1);
        spawn(async move {
            // Unreadable records were reported when the document was opened.
            let _ = self.read().await;
            self.compact();
            self.save_of(replica);
            self.push();
            self.page.reading.set(self.page.reading.get() - 1);
            self.page.release();
        });
    }

    fn send(&self) {
        self.push();
    }

    fn connection(&self, connection: &Connection) {
        // Without a channel, the document is not exchanged, or not yet.
        if self.channel.get().is_some() {
            if *connection == Connection::Online {
                // The page may have released these writers while the relay rejected it.
                self.claim_others();
            }
            self.show(connection);
        }
    }
}
