//! The actor of one document: it reads and writes the storage, synchronizes other tabs, and
//! exchanges the document with the relay.

pub(super) mod discard;
mod disk;
mod exchange;
mod load;
mod tabs;
mod timer;
mod waiting;

use std::{cell::Cell, rc::Rc, sync::Arc};

use leptos_sync_core::{
    Error, ReplicaId, Root,
    engine::ReplicaStore,
    history::EntryId,
    limits,
    sync::{Channel, Reason, TabMessage, TabMessageKind},
};
use send_wrapper::SendWrapper;

use self::{disk::Disk, exchange::Exchanged, timer::Timer};
use super::page::{AnyDocument, Page};
use crate::{
    cell::RefCell,
    live::{Cause, Connection, LiveDoc, Outgoing},
};

/// Starts the actor of a document. It lives until the document is evicted or the page's session is
/// closed.
pub(super) fn start<S: Root>(page: &Rc<Page>, name: String, doc: LiveDoc<S>) {
    let (disk, error) = match ReplicaStore::new(page.storage.clone(), &name) {
        Ok(store) => (Some(Disk::new(store)), None),
        Err(error) => (None, Some(error)),
    };
    let actor = Rc::new(DocumentActor {
        page: Rc::clone(page),
        name,
        doc,
        disk,
        channel: Cell::default(),
        presence: RefCell::default(),
        has_told_presence: Cell::default(),
        timers: Cell::default(),
        queued: RefCell::default(),
        due: RefCell::default(),
        foreign: RefCell::default(),
        listed: Cell::default(),
        asker: ReplicaId::random().map_or(0, ReplicaId::get),
        has_siblings: Cell::default(),
        has_forgotten: Cell::default(),
        has_gap: Cell::default(),
        is_detached: Cell::default(),
        reads: Cell::default(),
        is_recovering: Cell::default(),
    });
    if let Some(error) = error {
        actor.keep_in_memory(error);
    }
    page.register(Rc::clone(&actor) as Rc<dyn AnyDocument>);
    actor.load();
    let status = Arc::clone(actor.doc.status());
    let takes = SendWrapper::new(DetachOnDrop(actor));
    status
        .outgoing
        .open(Arc::new(move |outgoing| match outgoing {
            Outgoing::Edit(id) => takes.0.edited(id),
            Outgoing::Presence(data) => takes.0.set_presence(data),
            Outgoing::Run(work) => work(&takes.0),
        }));
}

/// The actor of one document. The mailbox of the document's status owns it.
struct DocumentActor<S: 'static> {
    page: Rc<Page>,
    name: String,
    doc: LiveDoc<S>,
    /// The place where the document is stored, unless its name is not valid.
    disk: Option<Disk>,
    /// The document's channel on the connection to the relay, if it is exchanged.
    channel: Cell<Option<Channel>>,
    /// The page's presence.
    presence: RefCell<Option<Vec<u8>>>,
    /// Whether the client has the page's presence. It sends it again on each new connection.
    has_told_presence: Cell<bool>,
    /// The timers that are set, one bit each.
    timers: Cell<u8>,
    /// Messages of other tabs that arrived while the document was being read. They may concern the
    /// data being read.
    queued: RefCell<Vec<Rc<TabMessage>>>,
    /// The entries of other pages that this page sends, because those pages have not sent them.
    due: RefCell<Vec<EntryId>>,
    /// The ids that belong to another user. Their entries stay in the outbox.
    foreign: RefCell<Vec<ReplicaId>>,
    /// The last entry that is listed as waiting for the permission to edit.
    listed: Cell<EntryId>,
    /// The number by which this actor recognizes answers to its own requests.
    asker: u64,
    /// Whether another tab has the document open, or has had it open.
    has_siblings: Cell<bool>,
    /// Whether the page has forgotten, since the load, the tombstones that the relay had forgotten.
    has_forgotten: Cell<bool>,
    /// Whether entries have been missing since the last request to the other tabs.
    has_gap: Cell<bool>,
    /// Whether the document was evicted.
    is_detached: Cell<bool>,
    /// The number of reads that have failed.
    reads: Cell<usize>,
    /// Whether a read is in progress that may bring the document from memory into the storage.
    is_recovering: Cell<bool>,
}

/// The error of a document that is open as two types. A relay opens a document only once on a
/// connection.
const TWO_TYPES: &str =
    "this page exchanges the document as another type; open it as one type, and reload the page";

/// A guard that marks the actor's document as evicted when it is dropped.
struct DetachOnDrop<S: Root>(Rc<DocumentActor<S>>);

impl<S: Root> Drop for DetachOnDrop<S> {
    fn drop(&mut self) {
        self.0.is_detached.set(true);
        self.0.leave();
    }
}

impl<S: Root> DocumentActor<S> {
    /// Handles a transaction of this page.
    fn edited(self: &Rc<Self>, id: EntryId) {
        let status = self.doc.status();
        // Without a connection, keep the edit: the user may have received the permission meanwhile.
        if status.is_reader() && status.is_online() {
            return self.withdraw(id);
        }
        self.send_entry(id);
        self.save();
        self.push();
        if status.is_reader() {
            self.list_waiting();
        }
        if status.is_removed() {
            self.list_removed();
        }
    }

    /// Starts exchanging the document, once the stored document is joined.
    fn begin(self: &Rc<Self>) {
        for message in self.queued.take() {
            self.handle_message(&message.kind);
        }
        self.ask_others();
        self.send_others_later();
        self.save();
        self.open();
    }

    /// Opens the document at the relay.
    fn open(self: &Rc<Self>) {
        match self.page.session() {
            None => self.after(Timer::Forget),
            Some(Err(error)) => self.not_exchanged(error),
            Some(Ok(session)) => {
                let (this, state) = (Rc::clone(self), Rc::clone(&session));
                session.run(move |client| {
                    let document = Box::new(Exchanged(Rc::clone(&this)));
                    if this.page.exchanges(&this.name) {
                        let error = || Error::unavailable(TWO_TYPES);
                        this.doc.status().permanent_error(error());
                        return this.not_exchanged(error());
                    }
                    this.show(&state.state(client));
                    match client.open(&this.name, S::SCHEMA, document) {
                        Ok(channel) => {
                            this.channel.set(Some(channel));
                            this.has_told_presence.set(false);
                            this.send_presence();
                        }
                        Err(error) => this.not_exchanged(error),
                    }
                });
            }
        }
    }

    /// Ends the exchange. Returns whether there was one.
    fn leave(&self) -> bool {
        let (Some(Ok(session)), Some(channel)) = (self.page.session(), self.channel.take()) else {
            return false;
        };
        session.run(move |client| drop(client.leave(channel)));
        true
    }

    /// Starts the exchange over, because the document was loaded again.
    fn reopen(self: &Rc<Self>) {
        if self.leave() {
            self.open();
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
        self.has_told_presence.set(false);
        self.send_presence();
    }

    /// Sends the page's presence, unless the last message was too recent.
    fn send_presence(self: &Rc<Self>) {
        let (Some(Ok(session)), Some(channel)) = (self.page.session(), self.channel.get()) else {
            return;
        };
        if self.is_set(Timer::Presence) || self.has_told_presence.get() {
            return;
        }
        if let Some(data) = self.presence.borrow().clone() {
            self.has_told_presence.set(true);
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
}

impl<S: Root> AnyDocument for DocumentActor<S> {
    fn flush(self: Rc<Self>) -> bool {
        self.flush_now()
    }

    fn is_locked(&self) -> bool {
        self.doc.is_locked()
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn is_exchanged(&self) -> bool {
        self.channel.get().is_some()
    }

    fn receive(self: Rc<Self>, message: Rc<TabMessage>) {
        if self.doc.status().is_loading() {
            let mut queued = self.queued.borrow_mut();
            // Lost entries are requested again after the read, but messages of these kinds are sent
            // only once.
            let once = !matches!(
                message.kind,
                TabMessageKind::Edit(_) | TabMessageKind::OutboxRequest { .. }
            );
            if once || queued.len() < limits::QUEUED_TAB_MESSAGES {
                queued.push(message);
            }
        } else if !self.is_detached.get() {
            self.handle_message(&message.kind);
        }
    }

    fn hurry(self: Rc<Self>) {
        // Messages were lost if the page was frozen.
        self.ask_others();
        self.save();
        self.recover();
    }

    fn check_storage(self: Rc<Self>) {
        self.check_disk();
    }

    fn user_changed(self: Rc<Self>) {
        self.change_user();
    }

    fn connection(&self, connection: &Connection) {
        // Without a channel, the document is not exchanged, or not yet.
        if self.channel.get().is_some() {
            if *connection != Connection::Online {
                self.doc.with_replica(|replica| replica.end_session());
                self.doc.update_pending();
            }
            // The client opens a removed document again only on request, so it stays removed.
            if !self.doc.status().is_removed() {
                self.show(connection);
            }
        }
    }
}
