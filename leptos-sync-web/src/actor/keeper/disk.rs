use std::{
    cell::{Cell, RefCell, RefMut},
    mem,
    rc::Rc,
    time::Duration,
};

use leptos_sync_core::{
    Delta, DocStore, Error, ExchangedWrite, ReplicaId, Root, Saver, Storage as _, StoreWrite, Time,
    limits,
};

use super::Keeper;
use crate::{
    indexed_db::IndexedDbStorage,
    live::{Held, StorageKind},
    provider::provisional_replica,
    task::spawn,
};

/// How long a failed write waits before it is tried again, if nothing new comes.
const RETRY: Duration = Duration::from_secs(5);

/// Where a document is stored, and what is to be stored next.
pub(super) struct Disk {
    store: RefCell<DocStore<IndexedDbStorage>>,
    saver: RefCell<Saver>,
    /// What the relay has sent since the last write of it.
    received: RefCell<Vec<Delta>>,
    /// Whether timers are set: to flush what waits, to try again what failed, to write what the relay has said.
    flushing: Cell<bool>,
    retrying: Cell<bool>,
    noting: Cell<bool>,
    compacting: Cell<bool>,
    /// Whether transactions were refused or stamped anew, so that what is stored has to be written anew before anything
    /// else is.
    stale: Cell<bool>,
    /// Whether that is under way.
    rewriting: Cell<bool>,
    /// Whether the stored document could not be read: then nothing is written.
    given_up: Cell<bool>,
}

impl Disk {
    pub(super) fn new(store: DocStore<IndexedDbStorage>) -> Self {
        Self {
            store: RefCell::new(store),
            saver: RefCell::default(),
            received: RefCell::default(),
            flushing: Cell::default(),
            retrying: Cell::default(),
            noting: Cell::default(),
            compacting: Cell::default(),
            stale: Cell::default(),
            rewriting: Cell::default(),
            given_up: Cell::default(),
        }
    }

    /// From now on nothing is written.
    pub(super) fn give_up(&self) {
        self.given_up.set(true);
    }

    pub(super) fn is_saved(&self) -> bool {
        self.given_up.get() || self.saver().unsaved() == 0
    }

    /// Whether what is stored is not yet what it has to be.
    pub(super) fn is_stale(&self) -> bool {
        !self.given_up.get() && (self.stale.get() || self.rewriting.get())
    }

    // Out of line: what it would say if it were borrowed already, which a page has once this way.
    #[inline(never)]
    fn store(&self) -> RefMut<'_, DocStore<IndexedDbStorage>> {
        self.store.borrow_mut()
    }

    #[inline(never)]
    fn saver(&self) -> RefMut<'_, Saver> {
        self.saver.borrow_mut()
    }
}

impl<S: Root> Keeper<S> {
    fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref().filter(|disk| !disk.given_up.get())
    }

    /// Joins what is stored with what was edited meanwhile, and shows it.
    pub(super) async fn read(self: &Rc<Self>) -> Result<(), Error> {
        let Some(disk) = self.disk() else {
            self.set_own_replica(self.replica.get());
            return Ok(());
        };
        // Edits are written meanwhile, so the store is not held across the wait.
        let prefix = disk.store().prefix().to_vec();
        let storage = disk.store().storage().clone();
        let records = storage.scan_prefix(&prefix).await?;
        let damage = self.doc.replace(|Held { doc, outbox }| {
            let damage = disk.store().read_exchanged(records, doc, outbox)?;
            // Operations of the leased id may be among what could not be read: it must not be used again.
            doc.set_replica(match damage.first() {
                None => self.replica.get(),
                Some(_) => provisional_replica(),
            });
            Ok::<_, Error>(damage)
        })?;
        if let Some(first) = damage.first() {
            self.doc.status().error(Error::storage(format!(
                "{} stored records are kept but unreadable: {}",
                damage.len(),
                first.error
            )));
        }
        self.doc.status().change(|facts| facts.loading = false);
        self.compact();
        Ok(())
    }

    fn set_own_replica(&self, replica: ReplicaId) {
        self.doc
            .with_held(|Held { doc, .. }| doc.set_replica(replica));
    }

    pub(super) fn save(self: &Rc<Self>, transaction: Delta) {
        if let Some(disk) = self.disk() {
            disk.saver().push(transaction);
            self.pump();
        }
    }

    /// Saves what was written elsewhere under `replica` and is not acknowledged.
    pub(super) fn save_of(self: &Rc<Self>, replica: ReplicaId) {
        let theirs: Vec<_> = self.doc.with_held(|Held { outbox, .. }| {
            let is_theirs = |delta: &&Delta| delta.upto().get(replica) > Time::ZERO;
            outbox.transactions().filter(is_theirs).cloned().collect()
        });
        for delta in theirs {
            self.save(delta);
        }
    }

    /// What the relay has sent is to be stored, soon.
    pub(super) fn save_received(self: &Rc<Self>, delta: &Delta) {
        if let Some(disk) = self.disk() {
            disk.received.borrow_mut().push(delta.clone());
            self.note_soon();
        }
    }

    /// What the relay has said is to be stored, soon. Whatever is lost of it, the relay says again.
    pub(super) fn note_soon(self: &Rc<Self>) {
        let delay = Duration::from_millis(limits::SAVE_DELAY_MS.into());
        self.after(delay, |disk| &disk.noting, Self::note);
    }

    fn note(self: &Rc<Self>) {
        let Some(disk) = self.disk().filter(|disk| !disk.stale.get()) else {
            return;
        };
        let received = mem::take(&mut *disk.received.borrow_mut());
        let ExchangedWrite { batch, receipt } =
            self.doc
                .with_held(|Held { doc, outbox }| match received.is_empty() {
                    true => disk.store().log_acknowledged(outbox),
                    false => disk.store().log_received(doc, &received, outbox),
                });
        disk.store().committed_exchanged(receipt);
        let committed = disk.store().storage().commit(batch);
        let this = Rc::clone(self);
        spawn(async move {
            if let Err(error) = committed.await {
                this.doc.status().error(error);
            }
            this.compact();
        });
    }

    /// What is stored has to be written anew, before anything else is.
    pub(super) fn rewrite(self: &Rc<Self>) {
        if let Some(disk) = self.disk() {
            disk.stale.set(true);
            self.compact();
        }
    }

    /// Writes what is to be written now.
    fn pump(self: &Rc<Self>) {
        let Some(disk) = self.disk().filter(|disk| !disk.stale.get()) else {
            return;
        };
        let next = disk.saver().next_write();
        if let Some((id, deltas)) = next {
            self.write(disk, id, &deltas);
        }
        if disk.saver().is_waiting() {
            let delay = Duration::from_millis(limits::SAVE_DELAY_MS.into());
            self.after(delay, |disk| &disk.flushing, Self::flush_waiting);
        }
    }

    fn flush_waiting(self: &Rc<Self>) {
        let Some(disk) = self.disk().filter(|disk| !disk.stale.get()) else {
            return;
        };
        let all = disk.saver().flush();
        if let Some((id, deltas)) = all {
            self.write(disk, id, &deltas);
        }
    }

    /// Issues everything at once.
    pub(super) fn flush_now(self: &Rc<Self>) {
        self.compact();
        self.flush_waiting();
        let unnoted = self.disk().is_some_and(|disk| disk.noting.get());
        if unnoted {
            self.note();
        }
    }

    /// Issues a write; what comes of it is told later.
    fn write(self: &Rc<Self>, disk: &Disk, id: u64, deltas: &[Delta]) {
        let StoreWrite { batch, receipt } = disk.store().log(deltas);
        // Known from now on, so that a rewrite which is issued before this is done replaces it too.
        disk.store().committed(receipt);
        let committed = disk.store().storage().commit(batch);
        let this = Rc::clone(self);
        spawn(async move { this.written(id, committed.await) });
    }

    fn written(self: &Rc<Self>, id: u64, result: Result<(), Error>) {
        let Some(disk) = &self.disk else {
            return;
        };
        match result {
            Ok(()) => {
                disk.saver().saved(id);
                self.saved(disk);
            }
            Err(error) => {
                disk.saver().failed(id);
                self.failed(error);
            }
        }
        self.pump();
        self.compact();
    }

    fn saved(&self, disk: &Disk) {
        let unsaved = disk.saver().unsaved();
        self.doc.status().change(|facts| {
            // What could not be loaded is kept in memory since, whatever of it was written before.
            if facts.storage == StorageKind::IndexedDb {
                facts.unsaved = unsaved;
                facts.error = None;
            }
        });
    }

    fn failed(self: &Rc<Self>, error: Error) {
        self.doc.status().error(error);
        self.after(
            RETRY,
            |disk| &disk.retrying,
            |this| {
                if let Some(disk) = this.disk() {
                    disk.saver().retry();
                    this.compact();
                    this.pump();
                }
            },
        );
    }

    /// Replaces log and snapshots by one snapshot and what is not acknowledged: when that pays and nothing else is to do, or
    /// when what is stored is stale.
    fn compact(self: &Rc<Self>) {
        let Some(disk) = self.disk() else {
            return;
        };
        let stale = disk.stale.get();
        let pays = || disk.store().wants_compaction() && disk.saver().unsaved() == 0;
        if disk.compacting.get() || !(stale || pays() && self.is_alone()) {
            return;
        }
        disk.compacting.set(true);
        // What waits is part of it.
        let waiting = match stale {
            true => disk.saver().flush().map(|(id, _)| id),
            false => None,
        };
        disk.received.borrow_mut().clear();
        let write = self
            .doc
            .with_held(|Held { doc, outbox }| disk.store().compact_exchanged(doc, outbox));
        let ExchangedWrite { batch, receipt } = match write {
            Ok(write) => write,
            Err(error) => {
                disk.compacting.set(false);
                return self.doc.status().error(error);
            }
        };
        // What becomes stale meanwhile is written once more.
        disk.stale.set(false);
        disk.rewriting.set(stale);
        let committed = disk.store().storage().commit(batch);
        let this = Rc::clone(self);
        spawn(async move {
            let result = committed.await;
            let Some(disk) = &this.disk else {
                return;
            };
            disk.compacting.set(false);
            disk.rewriting.set(false);
            match result {
                Ok(()) => {
                    disk.store().committed_exchanged(receipt);
                    if let Some(id) = waiting {
                        disk.saver().saved(id);
                    }
                    this.saved(disk);
                    this.push();
                }
                // Nothing is lost by it: the log stays as it is, until the next write tries again.
                Err(error) => {
                    disk.stale.set(stale || disk.stale.get());
                    if let Some(id) = waiting {
                        disk.saver().failed(id);
                    }
                    this.failed(error);
                }
            }
            this.pump();
            this.compact();
        });
    }

    /// Whether all that is not acknowledged is for this page to send: what another page has written, that one stores.
    fn is_alone(&self) -> bool {
        let writers = self.doc.with_held(|held| held.outbox.writers());
        let owners = self.page.owners();
        let mut writers = writers.iter();
        writers.all(|(replica, _)| owners.has(replica))
    }
}
