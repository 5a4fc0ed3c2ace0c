use std::{
    cell::{Cell, RefMut},
    rc::Rc,
};

use leptos_sync_core::{
    Error, Root,
    engine::{RefreshOutcome, ReplicaStore, ReplicaWrite},
    storage::{Batch, Expected, Scan},
    sync::Permission,
};

use super::{DocumentActor, Timer, load::Found};
use crate::{cell::RefCell, indexed_db::IndexedDbStorage, live::StorageKind};

/// A document's location in the storage, with its pending writes.
///
/// One write is in progress at a time. What changes meanwhile is part of the next one.
pub(super) struct Disk {
    store: RefCell<ReplicaStore<IndexedDbStorage>>,
    /// Whether a write or a read is in progress.
    is_busy: Cell<bool>,
    /// Whether something has changed since that began.
    is_behind: Cell<bool>,
    /// Whether the last write has failed, so that its outcome is unknown.
    has_failed: Cell<bool>,
    /// The number of failures since a write was last applied.
    pub(super) failures: Cell<u32>,
    /// The user's permission that is stored.
    pub(super) permission: Cell<Option<Permission>>,
    /// Whether nothing is written, because the stored document could not be read.
    is_suspended: Cell<bool>,
}

/// The last byte of the permission's key, after the prefix of the document. The store leaves
/// records alone that it does not know.
const PERMISSION: u8 = b'P';

impl Disk {
    pub(super) fn new(store: ReplicaStore<IndexedDbStorage>) -> Self {
        Self {
            store: RefCell::new(store),
            is_busy: Cell::default(),
            is_behind: Cell::default(),
            has_failed: Cell::default(),
            failures: Cell::default(),
            permission: Cell::default(),
            is_suspended: Cell::default(),
        }
    }

    /// Stops all writes.
    pub(super) fn suspend(&self) {
        self.is_suspended.set(true);
    }

    /// Allows writes again.
    pub(super) fn resume(&self) {
        self.is_suspended.set(false);
    }

    pub(super) fn is_suspended(&self) -> bool {
        self.is_suspended.get()
    }

    /// Returns the key of the record that stores the user's permission (1: edit, 0: read).
    pub(super) fn permission_key(&self) -> Vec<u8> {
        let mut key = self.store().prefix().to_vec();
        key.push(PERMISSION);
        key
    }

    /// Begins a read or a write. Returns false if another one is in progress.
    pub(super) fn begin(&self) -> bool {
        let begins = !self.is_busy.replace(true);
        self.is_behind.set(!begins);
        begins
    }

    pub(super) fn end(&self) {
        self.is_busy.set(false);
    }

    // Not inlined, so that a page contains the panic message of a double borrow only once.
    #[inline(never)]
    pub(super) fn store(&self) -> RefMut<'_, ReplicaStore<IndexedDbStorage>> {
        self.store.borrow_mut()
    }
}

impl<S: Root> DocumentActor<S> {
    pub(super) fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref().filter(|disk| !disk.is_suspended())
    }

    /// Returns whether entries have to be stored before they are sent.
    pub(super) fn is_stored(&self) -> bool {
        self.disk().is_some()
    }

    /// Writes what the storage lacks, now or after the write in progress.
    pub(super) fn save(self: &Rc<Self>) {
        let Some(disk) = self.disk() else {
            return;
        };
        if self.doc.status().is_loading() {
            return self.save_entries();
        }
        if !disk.begin() {
            return;
        }
        if disk.has_failed.get() {
            return self.refresh(disk);
        }
        let mut write = self.next_write(disk);
        let permission = self.doc.status().permission();
        if let (Ok(write), Some(permission)) = (&mut write, permission)
            && disk.permission.replace(Some(permission)) != Some(permission)
        {
            let may_edit = permission >= Permission::Write;
            write.batch.put(disk.permission_key(), [may_edit.into()]);
        }
        match write {
            Ok(ReplicaWrite {
                expected, batch, ..
            }) => {
                self.commit(expected, batch, Self::written);
            }
            Err(error) => self.failed(disk, error),
        }
    }

    /// Writes a batch if the condition holds, and then calls `then` with whether it did.
    pub(super) fn commit(
        self: &Rc<Self>,
        expected: Expected,
        batch: Batch,
        then: fn(&Rc<Self>, &Disk, Result<bool, Error>),
    ) {
        let this = Rc::clone(self);
        self.page
            .storage
            .write(Some(expected), batch, move |committed| {
                if let Some(disk) = &this.disk {
                    then(&this, disk, committed);
                }
            });
    }

    /// Returns the next write. Replaces all records if that pays off.
    fn next_write(&self, disk: &Disk) -> Result<ReplicaWrite, Error> {
        let mut store = disk.store();
        let is_alone = !self.has_siblings.get();
        let has_relay = self.page.has_relay;
        self.doc.with_replica(|replica| {
            if has_relay {
                if !store.wants_compaction() {
                    return store.save(replica);
                }
                replica.forget_tombstones();
            } else {
                // The outbox of a document without a relay is its log.
                let absorbs = store.wants_absorption(replica);
                if !absorbs && !store.wants_compaction() {
                    return store.save(replica);
                }
                if absorbs {
                    replica.absorb_entries();
                }
                if is_alone {
                    replica.forget_local_tombstones();
                }
            }
            store.compact(replica)
        })
    }

    /// Returns whether the next write moves the outbox to the base.
    fn absorbs(&self, disk: &Disk) -> bool {
        let store = disk.store();
        !self.page.has_relay
            && self
                .doc
                .with_replica(|replica| store.wants_absorption(replica))
    }

    /// Handles the end of a write. It has no effect if another tab has changed the records.
    fn written(self: &Rc<Self>, disk: &Disk, result: Result<bool, Error>) {
        match result {
            Ok(true) => {
                self.doc
                    .with_replica(|replica| disk.store().committed(replica));
                disk.failures.set(0);
                disk.end();
                self.update_saved(disk);
                self.push();
                if disk.is_behind.get() || self.absorbs(disk) {
                    self.save();
                }
            }
            Ok(false) => self.refresh(disk),
            Err(error) => {
                self.failed(disk, error);
                if disk.is_behind.get() {
                    self.save();
                }
            }
        }
    }

    /// Handles a failure of the storage, after which the outcome of the last write is unknown.
    fn failed(self: &Rc<Self>, disk: &Disk, error: Error) {
        disk.has_failed.set(true);
        disk.failures.set(disk.failures.get().saturating_add(1));
        disk.permission.take();
        disk.end();
        self.doc.status().error(error);
        self.after(Timer::Retry);
    }

    /// Writes everything again if the storage has lost it. Until then, nothing counts as stored.
    pub(super) fn check_disk(self: &Rc<Self>) {
        if let Some(disk) = self.disk().filter(|_| !self.doc.status().is_loading()) {
            disk.has_failed.set(true);
            let status = self.doc.status();
            status.change(&mut |status| status.storage = StorageKind::Memory);
            self.save();
        }
    }

    /// Reads the changes that another tab has stored, and handles an emptied storage.
    fn refresh(self: &Rc<Self>, disk: &Disk) {
        let scan = Scan::prefix(&disk.store().shared_prefix());
        self.read(scan, Self::refreshed);
    }

    fn refreshed(self: &Rc<Self>, disk: &Disk, found: Found) {
        let must_compare = || {
            self.doc
                .with_replica(|replica| replica.progress().comparing)
        };
        let compares = must_compare();
        let refreshed = found.and_then(|records| {
            self.doc
                .with_replica(|replica| disk.store().refreshed(records, replica))
        });
        match refreshed {
            Ok(refreshed @ (RefreshOutcome::Reload | RefreshOutcome::Discarded)) => {
                disk.end();
                if refreshed == RefreshOutcome::Discarded {
                    self.empty();
                }
                self.read_all(disk, Self::reloaded);
            }
            Ok(_) => {
                disk.has_failed.set(false);
                disk.end();
                if !compares && must_compare() {
                    self.reopen();
                }
                self.save();
            }
            Err(error) if self.page.storage.is_cleared() => {
                disk.end();
                self.keep_in_memory(error);
                // Entries no longer need to be stored before they are sent.
                self.push();
            }
            Err(error) => self.failed(disk, error),
        }
    }

    fn reloaded(self: &Rc<Self>, disk: &Disk, found: Found) {
        match found {
            Ok(records) => {
                self.take_records(disk, records);
                disk.has_failed.set(false);
                self.reopen();
                self.save();
            }
            Err(error) => {
                self.doc.status().error(error);
                self.after(Timer::Retry);
            }
        }
    }

    /// Writes the entries that were never stored, whatever else the storage has. Issues the write
    /// before it returns.
    pub(super) fn save_entries(self: &Rc<Self>) {
        let Some(disk) = self.disk() else {
            return;
        };
        let store = disk.store();
        let batch = self.doc.with_replica(|replica| store.new_entries(replica));
        match batch {
            Ok(batch) if batch.is_empty() => {}
            Ok(batch) => {
                let this = Rc::clone(self);
                self.page.storage.write_last(batch, move |committed| {
                    if let Err(error) = committed {
                        this.doc.status().error(error);
                    }
                });
            }
            Err(error) => self.doc.status().error(error),
        }
    }

    /// Writes all edits that the storage lacks, since the page may end. Returns whether another
    /// write follows the one in progress.
    pub(super) fn flush_now(self: &Rc<Self>) -> bool {
        let Some(disk) = self.disk() else {
            return false;
        };
        // If the browser freezes the page now, a transaction that has begun blocks the other tabs.
        let is_saved = self.doc.with_replica(|replica| replica.unsaved_entries()) == 0;
        let is_idle = !disk.is_busy.get() && !disk.has_failed.get();
        if is_saved && is_idle && !self.is_set(Timer::Save) {
            return false;
        }
        if !self.doc.status().is_loading() {
            self.save();
        }
        // The write in progress, if any, has a condition, and ends with the page.
        self.save_entries();
        disk.is_behind.get()
    }

    /// Schedules a write of what the relay has sent. If the write is lost, the relay sends it
    /// again.
    pub(super) fn save_soon(self: &Rc<Self>) {
        self.after(Timer::Save);
    }

    /// Reports how many transactions the storage lacks.
    pub(super) fn update_saved(&self, disk: &Disk) {
        // After a failure, what was stored may be lost.
        if disk.is_suspended() || disk.has_failed.get() {
            return;
        }
        let unsaved = self.doc.with_replica(|replica| replica.unsaved_entries());
        self.doc.status().change(&mut |status| {
            status.storage = StorageKind::IndexedDb;
            status.unsaved = unsaved;
            // A later write may have stored the edits that an earlier one could not store.
            if unsaved == 0 {
                status.error.clone_from(&status.permanent_error);
            }
        });
    }
}
