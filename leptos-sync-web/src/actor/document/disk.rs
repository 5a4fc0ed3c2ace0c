use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
};

use leptos_sync_core::{
    Delta, Error, ReplicaId, Root, Time,
    engine::{DocStore, Receipt, Saver, StoreWrite},
    storage::{Batch, Storage as _},
};

use super::{DocumentActor, Timer};
use crate::{
    indexed_db::IndexedDbStorage,
    live::{DocState, StorageKind},
    task::spawn,
};

/// Where a document is stored, and what is to be stored next.
pub(super) struct Disk {
    store: RefCell<DocStore<IndexedDbStorage>>,
    saver: RefCell<Saver>,
    /// What the relay has sent since the last write of it.
    received: RefCell<Vec<Delta>>,
    /// How many reads and compactions are under way. A compaction is issued when there is none: it has to know all that is
    /// stored, and what is read behind it, that it is done.
    busy: Cell<usize>,
    /// Whether transactions were refused or stamped anew, so that what is stored has to be written anew before anything
    /// else is.
    stale: Cell<bool>,
    /// Whether that is under way.
    rewriting: Cell<bool>,
    /// Whether nothing is written, because the stored document could not be read.
    suspended: Cell<bool>,
}

/// Transactions to write, and the saver's number of the write.
type Numbered = (u64, Vec<Delta>);

/// What a write was issued for.
enum Issued {
    /// Transactions: the saver's number of the write.
    Log(u64),
    /// What the relay has said.
    Note,
    /// Everything anew.
    All {
        receipt: Receipt,
        /// Whether what was stored was stale.
        stale: bool,
        /// The saver's number of what waited and is part of it.
        waiting: Option<u64>,
        /// How many transactions the saver had been given: all of them are part of it.
        pushed: u64,
    },
}

impl Disk {
    pub(super) fn new(store: DocStore<IndexedDbStorage>) -> Self {
        Self {
            store: RefCell::new(store),
            saver: RefCell::default(),
            received: RefCell::default(),
            busy: Cell::default(),
            stale: Cell::default(),
            rewriting: Cell::default(),
            suspended: Cell::default(),
        }
    }

    /// Stops all writes.
    pub(super) fn suspend(&self) {
        self.suspended.set(true);
    }

    /// Allows writes again.
    pub(super) fn resume(&self) {
        self.suspended.set(false);
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.suspended.get()
    }

    /// Counts a read that begins.
    pub(super) fn begin(&self) {
        self.busy.set(self.busy.get() + 1);
    }

    /// Counts a read that has ended.
    pub(super) fn end(&self) {
        self.busy.set(self.busy.get() - 1);
    }

    pub(super) fn is_saved(&self) -> bool {
        self.suspended.get() || self.saver().unsaved() == 0
    }

    /// Whether what is stored is not yet what it has to be.
    pub(super) fn is_stale(&self) -> bool {
        !self.suspended.get() && (self.stale.get() || self.rewriting.get())
    }

    // Out of line: what it would say if it were borrowed already, which a page has once this way.
    #[inline(never)]
    pub(super) fn store(&self) -> RefMut<'_, DocStore<IndexedDbStorage>> {
        self.store.borrow_mut()
    }

    #[inline(never)]
    fn saver(&self) -> RefMut<'_, Saver> {
        self.saver.borrow_mut()
    }
}

impl<S: Root> DocumentActor<S> {
    fn disk(&self) -> Option<&Disk> {
        self.disk.get().filter(|disk| !disk.suspended.get())
    }

    pub(super) fn save(self: &Rc<Self>, transaction: Delta) {
        if let Some(disk) = self.disk() {
            disk.saver().push(transaction);
            self.pump();
        }
    }

    /// Saves what was written elsewhere under `replica` and is not acknowledged.
    pub(super) fn save_of(self: &Rc<Self>, replica: ReplicaId) {
        let mut theirs = Vec::new();
        self.doc.with_state(|DocState { outbox, .. }| {
            for delta in outbox.transactions() {
                if delta.upto().get(replica) > Time::ZERO {
                    theirs.push(delta.clone());
                }
            }
        });
        for delta in theirs {
            self.save(delta);
        }
    }

    /// What the relay has sent is to be stored, soon.
    pub(super) fn save_received(self: &Rc<Self>, delta: &Delta) {
        if let Some(disk) = self.disk() {
            disk.received.borrow_mut().push(delta.clone());
        }
        self.note_soon();
    }

    /// What the relay has said is to be stored, soon. Whatever is lost of it, the relay says again.
    pub(super) fn note_soon(self: &Rc<Self>) {
        self.after(Timer::Note);
    }

    pub(super) fn note(self: &Rc<Self>) {
        self.page.release();
        let Some(disk) = self.disk().filter(|disk| !disk.stale.get()) else {
            return;
        };
        let received = disk.received.take();
        let log = |DocState { doc, outbox }: &mut DocState<S>| {
            disk.store().log_received(doc, &received, outbox)
        };
        let write = self.doc.with_state(log);
        self.append(disk, write, Issued::Note);
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
        if let Some(disk) = self.write_in_turn(Saver::next_write)
            && disk.saver().is_waiting()
        {
            self.after(Timer::Flush);
        }
    }

    pub(super) fn flush_waiting(self: &Rc<Self>) {
        self.write_in_turn(Saver::flush);
    }

    /// Writes, unless what is stored is being written anew: should that fail, this would follow what is not stored.
    fn write_in_turn(self: &Rc<Self>, next: fn(&mut Saver) -> Option<Numbered>) -> Option<&Disk> {
        let disk = self.disk().filter(|disk| !disk.is_stale())?;
        self.write(next);
        Some(disk)
    }

    /// Issues everything at once.
    pub(super) fn flush_now(self: &Rc<Self>) {
        self.compact();
        // Also beside what is being written anew: there may be no later.
        self.write(Saver::flush);
        if self.is_set(Timer::Note) {
            self.note();
        }
    }

    /// Tries again what failed.
    pub(super) fn retry(self: &Rc<Self>) {
        if let Some(disk) = self.disk() {
            disk.saver().retry();
            self.compact();
            self.pump();
        }
    }

    /// Issues a write of the transactions that `next` gives, if any.
    fn write(self: &Rc<Self>, next: fn(&mut Saver) -> Option<Numbered>) {
        let Some(disk) = self.disk().filter(|disk| !disk.stale.get()) else {
            return;
        };
        let next = next(&mut disk.saver());
        if let Some((id, deltas)) = next {
            let write = disk.store().log(&deltas);
            self.append(disk, write, Issued::Log(id));
        }
    }

    /// Issues a write to the log.
    fn append(self: &Rc<Self>, disk: &Disk, write: StoreWrite, issued: Issued) {
        let StoreWrite { batch, receipt } = write;
        // Known from now on, so that a rewrite which is issued before this is done replaces it too.
        disk.store().committed(receipt);
        self.commit(disk, batch, issued);
    }

    /// Issues a write; what comes of it is told later.
    fn commit(self: &Rc<Self>, disk: &Disk, batch: Batch, issued: Issued) {
        let committed = disk.store().storage().commit(batch);
        let this = Rc::clone(self);
        spawn(async move { this.committed(issued, committed.await) });
    }

    fn committed(self: &Rc<Self>, issued: Issued, result: Result<(), Error>) {
        let Some(disk) = self.disk.get() else {
            return;
        };
        let id = match issued {
            Issued::Log(id) => Some(id),
            Issued::Note => None,
            Issued::All {
                receipt,
                stale,
                waiting,
                pushed,
            } => {
                disk.busy.set(disk.busy.get() - 1);
                disk.rewriting.set(false);
                match result {
                    Ok(()) => {
                        disk.store().committed(receipt);
                        if stale {
                            // Also those whose own write fails yet: they may have other stamps by now.
                            disk.saver().settled(pushed);
                            self.is_in_storage(disk);
                        }
                    }
                    // Nothing is lost by it: the log stays as it is, until the next write tries again.
                    Err(_) => disk.stale.set(stale || disk.stale.get()),
                }
                waiting
            }
        };
        let done = match result {
            Ok(()) => Saver::saved,
            Err(_) => Saver::failed,
        };
        if let Some(id) = id {
            done(&mut disk.saver(), id);
        }
        match result {
            Ok(()) => {
                self.saved(disk);
                self.push();
            }
            Err(error) => {
                self.doc.status().error(error);
                self.after(Timer::Retry);
            }
        }
        self.pump();
        // What failed is tried again later, or by the next edit.
        if !self.is_set(Timer::Retry) {
            self.compact();
        }
    }

    /// Everything is stored, also if it was in memory before.
    fn is_in_storage(&self, disk: &Disk) {
        if !disk.is_suspended() {
            let status = self.doc.status();
            status.change(&mut |status| status.storage = StorageKind::IndexedDb);
        }
    }

    fn saved(&self, disk: &Disk) {
        let unsaved = disk.saver().unsaved();
        self.doc.status().change(&mut |status| {
            // What could not be loaded is kept in memory since, whatever of it was written before.
            if status.storage == StorageKind::IndexedDb {
                status.unsaved = unsaved;
                // What one write has failed at may be written by a later one.
                if unsaved == 0 {
                    status.error.clone_from(&status.permanent_error);
                }
            }
        });
    }

    /// Replaces log and snapshots by one snapshot and what is not acknowledged: when that pays and nothing else is to do, or
    /// when what is stored is stale.
    pub(super) fn compact(self: &Rc<Self>) {
        let Some(disk) = self.disk() else {
            return;
        };
        let stale = disk.stale.get();
        let pays = || disk.store().wants_compaction() && disk.saver().unsaved() == 0;
        if disk.busy.get() > 0 || !(stale || pays() && self.is_alone()) {
            return;
        }
        disk.busy.set(1);
        // What waits is part of it.
        let waiting = match stale {
            true => disk.saver().flush().map(|(id, _)| id),
            false => None,
        };
        disk.received.borrow_mut().clear();
        let write = self
            .doc
            .with_state(|DocState { doc, outbox }| disk.store().compact_exchanged(doc, outbox));
        let StoreWrite { batch, receipt } = match write {
            Ok(write) => write,
            Err(error) => {
                disk.busy.set(0);
                return self.doc.status().error(error);
            }
        };
        // What becomes stale meanwhile is written once more.
        disk.stale.set(false);
        disk.rewriting.set(stale);
        let issued = Issued::All {
            receipt,
            stale,
            waiting,
            pushed: disk.saver().pushed(),
        };
        self.commit(disk, batch, issued);
    }

    /// Whether all that is not acknowledged is for this page to send: what another page has written, that one stores.
    fn is_alone(&self) -> bool {
        let writers = self.doc.with_state(|state| state.outbox.writers());
        let send_locks = self.page.send_locks();
        let mut writers = writers.iter();
        writers.all(|(replica, _)| send_locks.has(replica))
    }
}
