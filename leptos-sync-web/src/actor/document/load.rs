//! Reads the stored document when it is opened, and again until a read succeeds.

use std::{rc::Rc, time::Duration};

use leptos_sync_core::{
    Clock, Error, ReplicaId, Root, engine::ReplicaStore, replica::Replica, sync::Permission,
};

use super::{DocumentActor, Timer, disk::Disk};
use crate::{
    live::StorageKind,
    task::{sleep, spawn},
};

/// The delays between the first reads, in milliseconds. After the last failure, the document is in
/// memory, and further reads follow in the background.
const RETRY_MS: [u64; 3] = [100, 400, 1_600];

impl<S: Root> DocumentActor<S> {
    /// Reads the stored document. If all attempts fail, the document stays in memory for now.
    pub(super) async fn load_stored(self: &Rc<Self>) {
        for wait in RETRY_MS {
            match self.read().await {
                Ok(()) => return,
                Err(error) => self.doc.status().error(error),
            }
            sleep(Duration::from_millis(wait)).await;
        }
        if let Err(error) = self.read().await {
            self.keep_in_memory(error);
            self.after(Timer::Recover);
        }
    }

    /// Keeps the document in memory and stops all writes.
    pub(super) fn keep_in_memory(&self, error: Error) {
        if let Some(disk) = self.disk.get() {
            disk.suspend();
        }
        self.doc.status().error(error);
        self.doc.status().change(&mut |status| {
            status.storage = StorageKind::Memory;
            status.loading = false;
        });
    }

    /// Tries again to store a document that is in memory.
    pub(super) fn recover(self: &Rc<Self>) {
        let is_in_memory = self.disk.get().is_none_or(Disk::is_suspended);
        if !is_in_memory || self.doc.status().is_loading() || self.is_recovering.replace(true) {
            return;
        }
        let this = Rc::clone(self);
        spawn(async move {
            if let Err(error) = this.try_recover().await {
                this.doc.status().error(error);
                this.after(Timer::Recover);
            }
            this.is_recovering.set(false);
        });
    }

    async fn try_recover(self: &Rc<Self>) -> Result<(), Error> {
        let storage = self.page.reopen_storage().await?;
        if self.disk.get().is_none() {
            let disk = Disk::new(ReplicaStore::new(storage, &self.name)?);
            disk.suspend();
            let _ = self.disk.set(disk);
        }
        if let Some(disk) = self.disk.get() {
            self.read_from(disk).await?;
            disk.resume();
            self.reopen();
            self.save();
        }
        Ok(())
    }

    async fn read(self: &Rc<Self>) -> Result<(), Error> {
        match self.disk.get() {
            Some(disk) if !disk.is_suspended() => self.read_from(disk).await,
            _ => Ok(()),
        }
    }

    /// Replaces the document by the stored one, with the edits of this page that were not stored.
    pub(super) async fn read_from(self: &Rc<Self>, disk: &Disk) -> Result<(), Error> {
        let prefix = disk.store().prefix().to_vec();
        let records = disk.scan(&prefix).await?;
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
        } else if is_new && disk.has_old(&self.name).await? {
            status.permanent_error(Error::storage(
                "an older version of this library has stored this document in this browser; its \
                 data is kept as it is, and not used",
            ));
        }
        status.change(&mut |status| {
            status.loading = false;
            status.permission = status.permission.or(permission);
            if status.unsaved == 0 {
                status.error.clone_from(&status.permanent_error);
            }
        });
        Ok(())
    }
}
