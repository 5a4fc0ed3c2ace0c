//! What keeps one document: in the storage, in step with the other tabs, and exchanged with the relay.

mod disk;
mod exchange;
mod tabs;

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use leptos::prelude::*;
use leptos_sync_core::{Delta, DocStore, Error, ReplicaId, Root, sync::Channel};
use send_wrapper::SendWrapper;

use self::{disk::Disk, exchange::Exchanged};
use super::page::{Kept, Page};
use crate::{
    live::{Connection, Held, LiveDoc, Refusal, StorageKind},
    tabs::Told,
    task::spawn,
};

/// Keeps a document for as long as the page lives, or until it is put away.
pub(super) fn keep<S: Root>(page: &Rc<Page>, name: String, doc: LiveDoc<S>) {
    let store = page
        .storage()
        .and_then(|storage| DocStore::new(storage.clone(), &name));
    let (disk, error) = match store {
        Ok(store) => (Some(Disk::new(store)), None),
        Err(error) => (None, Some(error)),
    };
    if disk.is_some() {
        doc.status()
            .change(|facts| facts.storage = StorageKind::IndexedDb);
    }
    let keeper = Rc::new(Keeper {
        page: Rc::clone(page),
        name,
        doc,
        disk,
        replica: Cell::default(),
        channel: Cell::default(),
        presence: RefCell::default(),
    });
    if let Some(error) = error {
        keeper.in_memory(error);
    }
    page.register(Rc::clone(&keeper) as Rc<dyn Kept>);
    let (edits, presence) = (keeper.doc.clone(), keeper.doc.clone());
    let takes = SendWrapper::new(Leaving(Rc::clone(&keeper)));
    edits
        .status()
        .edits
        .open(Arc::new(move |delta| takes.0.edited(delta)));
    let keeper = SendWrapper::new(keeper);
    presence
        .status()
        .presence
        .open(Arc::new(move |data| keeper.present(data)));
}

/// Keeps one document: the mailboxes of its status hold it.
struct Keeper<S: 'static> {
    page: Rc<Page>,
    name: String,
    doc: LiveDoc<S>,
    /// Where it is stored, if it is.
    disk: Option<Disk>,
    /// The id to go on under. It may change while the document is being read.
    replica: Cell<ReplicaId>,
    /// Under which it is exchanged with the relay, if it is.
    channel: Cell<Option<Channel>>,
    /// What the others are told of this page.
    presence: RefCell<Option<Vec<u8>>>,
}

/// A keeper whose document is put away when this is dropped.
struct Leaving<S: Root>(Rc<Keeper<S>>);

impl<S: Root> Drop for Leaving<S> {
    fn drop(&mut self) {
        if let (Some(channel), Some(Ok(session))) = (self.0.channel.take(), self.0.page.session()) {
            session.run(move |client| drop(client.leave(channel)));
        }
    }
}

impl<S: Root> Keeper<S> {
    /// Nothing is stored: the document lives as long as the page.
    fn in_memory(&self, error: Error) {
        if let Some(disk) = &self.disk {
            disk.give_up();
        }
        self.doc.status().change(|facts| {
            facts.storage = StorageKind::Memory;
            facts.loading = false;
            facts.error = Some(Arc::new(error));
        });
    }

    /// A transaction was made here.
    fn edited(self: &Rc<Self>, delta: Delta) {
        // Asked for before anybody hears of it.
        self.claim(&delta);
        self.tell(Told::Edit(delta.clone()));
        self.save(delta);
        self.push();
    }

    /// Sends for whoever wrote it, once nobody else does.
    fn claim(&self, delta: &Delta) {
        if self.page.session().is_some() {
            for (replica, _) in delta.upto().iter() {
                self.page.owners().claim(replica);
            }
        }
    }

    /// What is stored has been joined: begins to exchange it with others.
    fn begin(self: &Rc<Self>) {
        self.ask_others();
        let writers = self.doc.with_held(|held| held.outbox.writers());
        match self.page.session() {
            None => {}
            Some(Err(error)) => {
                self.doc.status().change(|facts| {
                    facts.connection = Connection::Refused;
                    facts.error = Some(Arc::new(error));
                });
            }
            Some(Ok(session)) => {
                for (replica, _) in writers.iter() {
                    self.page.owners().claim(replica);
                }
                self.connection(session.connection(), None);
                let this = Rc::clone(self);
                session.run(move |client| {
                    let document = Box::new(Exchanged(Rc::clone(&this)));
                    match client.open(&this.name, S::SCHEMA, document) {
                        Ok(channel) => {
                            this.channel.set(Some(channel));
                            this.tell_presence();
                        }
                        Err(error) => this.doc.status().error(error),
                    }
                });
            }
        }
    }

    /// Others are told this from now on.
    fn present(&self, data: Vec<u8>) {
        self.presence.replace(Some(data));
        self.tell_presence();
    }

    fn tell_presence(&self) {
        let told = self.presence.borrow().clone();
        if let (Some(Ok(session)), Some(channel), Some(data)) =
            (self.page.session(), self.channel.get(), told)
        {
            session.run(move |client| {
                // Its size was checked when it was made.
                let _ = client.set_presence(channel, data);
            });
        }
    }

    /// There may be something to send to the relay.
    fn push(&self) {
        if let (Some(Ok(session)), Some(channel)) = (self.page.session(), self.channel.get()) {
            session.run(move |client| client.edited(channel));
        }
    }

    /// Does `work` after a while, unless the timer that `flag` tells of is set already.
    fn after(
        self: &Rc<Self>,
        delay: Duration,
        flag: fn(&Disk) -> &Cell<bool>,
        work: fn(&Rc<Self>),
    ) {
        let set = |to| self.disk.as_ref().map(|disk| flag(disk).replace(to));
        if set(true) != Some(false) {
            return;
        }
        let this = Rc::clone(self);
        set_timeout(
            move || {
                if let Some(disk) = &this.disk {
                    flag(disk).set(false);
                }
                work(&this);
            },
            delay,
        );
    }
}

impl<S: Root> Kept for Keeper<S> {
    fn load(self: Rc<Self>, replica: ReplicaId) {
        self.replica.set(replica);
        spawn(async move {
            if let Err(error) = self.read().await {
                self.in_memory(error);
            }
            self.begin();
        });
    }

    fn flush(self: Rc<Self>) {
        self.flush_now();
    }

    fn is_saved(&self) -> bool {
        self.disk.as_ref().is_none_or(Disk::is_saved)
    }

    fn set_replica(&self, replica: ReplicaId) {
        self.replica.set(replica);
        self.doc
            .with_held(|Held { doc, .. }| doc.set_replica(replica));
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn hear(self: Rc<Self>, told: Told) {
        self.heard(told);
    }

    fn ask(&self) {
        self.ask_others();
    }

    fn adopt(self: Rc<Self>, replica: ReplicaId) {
        // Whoever wrote it may have died before it was stored.
        if replica != self.replica.get() {
            self.save_of(replica);
        }
        self.push();
    }

    fn connection(&self, connection: Connection, reason: Option<Arc<Refusal>>) {
        self.doc.status().change(|facts| {
            facts.connection = match connection {
                // Until the document is opened there.
                Connection::Online => Connection::Connecting,
                connection => connection,
            };
            facts.reason = reason;
            facts.peers = Arc::default();
        });
    }
}
