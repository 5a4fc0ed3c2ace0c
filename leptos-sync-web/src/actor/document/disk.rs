use std::{
    cell::{Cell, RefMut},
    rc::Rc,
};

use leptos_sync_core::{
    Delta, Error, ReplicaId, Root, Time,
    engine::{DocStore, Receipt, Saver, StoreWrite},
    storage::{Batch, Storage as _},
    sync::Permission,
};

use super::{DocumentActor, Timer};
use crate::{
    cell::RefCell,
    indexed_db::IndexedDbStorage,
    live::{DocState, StorageKind},
    task::spawn,
};

/// A document's location in the storage, with its pending writes.
pub(super) struct Disk {
    store: RefCell<DocStore<IndexedDbStorage>>,
    saver: RefCell<Saver>,
    /// The deltas that the relay has sent since the last write of such deltas.
    received: RefCell<Vec<Delta>>,
    /// The number of reads and compactions in progress. A compaction is issued only if this is
    /// zero, because a compaction must know all records, and a later read must see its result.
    busy: Cell<usize>,
    /// Whether transactions were rejected or restamped, so that the stored document must be
    /// rewritten before anything else is written.
    stale: Cell<bool>,
    /// Whether that rewrite is in progress.
    rewriting: Cell<bool>,
    /// Whether nothing is written, because the stored document could not be read.
    suspended: Cell<bool>,
}

/// The transactions of a write, with the write's id in the saver.
type Numbered = (u64, Vec<Delta>);

/// The content of a write that was issued.
enum Issued {
    /// Transactions, with the id of the write in the saver.
    Log(u64),
    /// Deltas from the relay, and the version that it has acknowledged.
    Received,
    /// The whole document.
    All {
        receipt: Receipt,
        /// Whether the stored document was stale.
        stale: bool,
        /// The id of the queued write in the saver that this write contains.
        waiting: Option<u64>,
        /// The number of transactions that the saver had received. The write contains all of them.
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

    /// Counts a read that starts.
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

    /// Returns whether the stored document must be rewritten.
    pub(super) fn is_stale(&self) -> bool {
        !self.suspended.get() && (self.stale.get() || self.rewriting.get())
    }

    // Not inlined, so that a page contains the panic message of a double borrow only once.
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

    /// Saves the unacknowledged transactions that another page wrote under `replica`.
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

    /// Schedules a write of a delta from the relay.
    pub(super) fn save_received(self: &Rc<Self>, delta: &Delta) {
        if let Some(disk) = self.disk() {
            disk.received.borrow_mut().push(delta.clone());
        }
        self.write_received_soon();
    }

    /// Schedules a write of the deltas from the relay, the acknowledged version and the permission.
    /// If the write is lost, the relay sends them again.
    pub(super) fn write_received_soon(self: &Rc<Self>) {
        self.after(Timer::Received);
    }

    pub(super) fn write_received(self: &Rc<Self>) {
        self.page.release();
        let Some(disk) = self.disk().filter(|disk| !disk.stale.get()) else {
            return;
        };
        let received = disk.received.take();
        let log = |DocState { doc, outbox }: &mut DocState<S>| {
            disk.store().log_received(doc, &received, outbox)
        };
        let mut write = self.doc.with_state(log);
        if let Some(permission) = self.doc.status().permission() {
            let may_edit = permission == Permission::Write;
            disk.store().put_permission(may_edit, &mut write.batch);
        }
        self.append(disk, write, Issued::Received);
    }

    /// Rewrites the stored document before anything else is written.
    pub(super) fn rewrite(self: &Rc<Self>) {
        if let Some(disk) = self.disk() {
            disk.stale.set(true);
            self.compact();
        }
    }

    /// Issues the next write if it is due.
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

    /// Issues a write, unless the stored document is being rewritten. If the rewrite failed, the
    /// write would follow records that do not exist.
    fn write_in_turn(self: &Rc<Self>, next: fn(&mut Saver) -> Option<Numbered>) -> Option<&Disk> {
        let disk = self.disk().filter(|disk| !disk.is_stale())?;
        self.write(next);
        Some(disk)
    }

    /// Issues all pending writes before it returns.
    pub(super) fn flush_now(self: &Rc<Self>) {
        self.compact();
        // Write even while the stored document is being rewritten, since the page may end.
        self.write(Saver::flush);
        if self.is_set(Timer::Received) {
            self.write_received();
        }
    }

    /// Retries a failed write.
    pub(super) fn retry(self: &Rc<Self>) {
        if let Some(disk) = self.disk() {
            disk.saver().retry();
            self.compact();
            self.pump();
        }
    }

    /// Issues a write of the transactions that `next` returns, if any.
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
        let StoreWrite { batch, receipt, .. } = write;
        // Treat the record as stored from now on, so that a rewrite that is issued before this
        // write ends replaces it too.
        disk.store().committed(receipt);
        self.commit(disk, batch, issued);
    }

    /// Issues a write. `committed` handles its result.
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
            Issued::Received => None,
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
                            // This includes transactions whose own write may still fail, since they
                            // may have new stamps by now.
                            disk.saver().settled(pushed);
                            self.is_in_storage(disk);
                        }
                    }
                    // Nothing is lost: the log is unchanged until the next write retries.
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
        // After a failure, the timer or the next edit retries the write.
        if !self.is_set(Timer::Retry) {
            self.compact();
        }
    }

    /// Reports that the whole document is stored, even if it was only in memory before.
    fn is_in_storage(&self, disk: &Disk) {
        if !disk.is_suspended() {
            let status = self.doc.status();
            status.change(&mut |status| status.storage = StorageKind::IndexedDb);
        }
    }

    fn saved(&self, disk: &Disk) {
        let unsaved = disk.saver().unsaved();
        self.doc.status().change(&mut |status| {
            // A document that is only in memory has edits that no write contains.
            if status.storage == StorageKind::IndexedDb {
                status.unsaved = unsaved;
                // A later write may have stored the edits that an earlier one could not store.
                if unsaved == 0 {
                    status.error.clone_from(&status.permanent_error);
                }
            }
        });
    }

    /// Replaces log and snapshots by one snapshot and the unacknowledged transactions. Does so if
    /// the stored document is stale, or if it pays off and no write is pending.
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
        // The snapshot contains the queued transactions.
        let waiting = match stale {
            true => disk.saver().flush().map(|(id, _)| id),
            false => None,
        };
        disk.received.borrow_mut().clear();
        let write = self
            .doc
            .with_state(|DocState { doc, outbox }| disk.store().compact_exchanged(doc, outbox));
        let StoreWrite { batch, receipt, .. } = match write {
            Ok(write) => write,
            Err(error) => {
                disk.busy.set(0);
                return self.doc.status().error(error);
            }
        };
        // If the document becomes stale during the write, it is rewritten once more.
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

    /// Returns whether this page sends all unacknowledged transactions. Other pages store the
    /// transactions that they wrote.
    fn is_alone(&self) -> bool {
        let writers = self.doc.with_state(|state| state.outbox.writers());
        let send_locks = self.page.send_locks();
        let mut writers = writers.iter();
        writers.all(|(replica, _)| send_locks.has(replica))
    }
}
