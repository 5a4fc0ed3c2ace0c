//! Reads the stored document when it is opened, and again until a read succeeds.

use std::{rc::Rc, time::Duration};

use leptos_sync_core::{
    Clock, Error, ReplicaId, Root,
    engine::old_prefix,
    replica::Replica,
    storage::{Record, Scan},
    sync::Permission,
};

use super::{DocumentActor, Timer, disk::Disk};
use crate::{live::StorageKind, task::after};

/// The delays between the first reads, in milliseconds. After the last failure, the document is in
/// memory, and further reads follow in the background.
const RETRY_MS: [u64; 3] = [100, 400, 1_600];

/// The records that a read found.
pub(super) type Found = Result<Vec<Record>, Error>;

impl<S: Root> DocumentActor<S> {
    /// Reads records of the document, and then calls `then`.
    pub(super) fn read(self: &Rc<Self>, scan: Scan, then: fn(&Rc<Self>, &Disk, Found)) {
        let this = Rc::clone(self);
        self.page.storage.read(scan, move |found| {
            if let Some(disk) = &this.disk {
                then(&this, disk, found);
            }
        });
    }

    /// Reads all records of the document, with those that ended pages could not write, and then
    /// calls `then`.
    pub(super) fn read_all(self: &Rc<Self>, disk: &Disk, then: fn(&Rc<Self>, &Disk, Found)) {
        let store = disk.store();
        self.page.storage.restore(store.prefix());
        self.read(Scan::prefix(store.prefix()), then);
    }

    /// Reads the stored document, and then exchanges it.
    pub(super) fn load(self: &Rc<Self>) {
        match &self.disk {
            Some(disk) => self.read_all(disk, Self::loaded),
            None => self.begin(),
        }
    }

    /// Handles the end of the first read. If all attempts fail, the document stays in memory for
    /// now.
    fn loaded(self: &Rc<Self>, disk: &Disk, found: Found) {
        let error = match found {
            Ok(records) => {
                self.take_records(disk, records);
                return self.begin();
            }
            Err(error) => error,
        };
        let delay = RETRY_MS.get(self.reads.replace(self.reads.get() + 1));
        match delay.filter(|_| !error.is_unavailable()) {
            Some(&delay) => {
                self.doc.status().error(error);
                let this = Rc::clone(self);
                after(Duration::from_millis(delay), move || this.load());
            }
            None => {
                self.keep_in_memory(error);
                self.after(Timer::Recover);
                self.begin();
            }
        }
    }

    /// Keeps the document in memory and stops all writes.
    pub(super) fn keep_in_memory(&self, error: Error) {
        if let Some(disk) = &self.disk {
            disk.suspend();
        }
        let entries = self.doc.with_replica(|replica| replica.entries().len());
        self.doc.status().keep_in_memory(error, entries);
    }

    /// Tries again to store a document that is in memory.
    pub(super) fn recover(self: &Rc<Self>) {
        let suspended = self.disk.as_ref().filter(|disk| disk.is_suspended());
        if let Some(disk) = suspended
            && !self.is_recovering.replace(true)
        {
            self.read_all(disk, Self::recovered);
        }
    }

    fn recovered(self: &Rc<Self>, disk: &Disk, found: Found) {
        self.is_recovering.set(false);
        match found {
            Ok(records) => {
                self.take_records(disk, records);
                disk.resume();
                self.reopen();
                self.save();
            }
            Err(error) => {
                self.doc.status().error(error);
                self.after(Timer::Recover);
            }
        }
    }

    /// Replaces the document by the stored one, with the edits of this page that were not stored.
    pub(super) fn take_records(self: &Rc<Self>, disk: &Disk, records: Vec<Record>) {
        let is_new = records.is_empty();
        let name = disk.permission_key();
        let permission = records.iter().find(|(key, _)| *key == name);
        let permission = permission.map(|(_, record)| match record.as_slice() {
            [1] => Permission::Write,
            _ => Permission::Read,
        });
        disk.permission.set(permission);
        let clock = Clock::new(ReplicaId::default(), self.page.time.clone());
        let mut replica = Replica::new(clock);
        let damage = disk.store().read(records, &mut replica);
        self.doc.with_replica(|before| {
            replica.take_over(before);
            *before = replica;
        });
        self.doc.replaced();
        let status = self.doc.status();
        if let Some(first) = damage.first() {
            status.permanent_error(Error::storage(format!(
                "{} stored records cannot be read, and are kept as they are: {}",
                damage.len(),
                first.error
            )));
        } else if is_new && let Ok(prefix) = old_prefix(&self.name) {
            self.read(Scan::prefix(&prefix).limit(1), Self::report_old);
        }
        status.change(&mut |status| {
            status.loading = false;
            status.storage = StorageKind::IndexedDb;
            status.permission = status.permission.or(permission);
            if status.unsaved == 0 {
                status.error.clone_from(&status.permanent_error);
            }
        });
    }

    /// Reports that an older version of this library has stored a document.
    fn report_old(self: &Rc<Self>, _: &Disk, found: Found) {
        if found.is_ok_and(|records| !records.is_empty()) {
            self.doc.status().permanent_error(Error::storage(
                "an older version of this library has stored this document in this browser; its \
                 data is kept as it is, and not used",
            ));
        }
    }
}
