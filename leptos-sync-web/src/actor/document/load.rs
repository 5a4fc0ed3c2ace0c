//! Reads the stored document when it is opened, and again until a read succeeds.

use std::{rc::Rc, time::Duration};

use leptos_sync_core::{Error, Root, engine::DocStore, storage::Storage as _, sync::Permission};

use super::{DocumentActor, Timer, disk::Disk};
use crate::{
    live::{DocState, StorageKind},
    provider::provisional_replica,
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
            let disk = Disk::new(DocStore::new(storage, &self.name)?);
            disk.suspend();
            let _ = self.disk.set(disk);
        }
        if let Some(disk) = self.disk.get() {
            self.read_from(disk).await?;
            disk.resume();
            // No record contains the edits and operations that arrived since the suspension.
            self.rewrite();
        }
        Ok(())
    }

    /// Joins the stored document, including the writes of other pages, with the edits that were
    /// made since.
    pub(super) async fn read(self: &Rc<Self>) -> Result<(), Error> {
        match self.disk.get() {
            None => self.set_own_replica(),
            // The records that cannot be read may contain operations of this page's replica id.
            Some(disk) if disk.is_suspended() => {}
            Some(disk) => self.read_from(disk).await?,
        }
        Ok(())
    }

    async fn read_from(self: &Rc<Self>, disk: &Disk) -> Result<(), Error> {
        // Do not borrow the store across the wait, since edits are written meanwhile.
        let prefix = disk.store().prefix().to_vec();
        let storage = disk.store().storage().clone();
        // A compaction in progress ends before this read.
        disk.begin();
        let records = storage.scan_prefix(&prefix).await;
        disk.end();
        let records = records?;
        let may_edit = disk.store().permission(&records);
        let damage = self.doc.replace(|DocState { doc, outbox }| {
            let damage = disk.store().read_exchanged(records, doc, outbox)?;
            // Damaged records may contain operations of this page's replica id, so it must not be
            // used again.
            doc.set_replica(match damage.first() {
                None => self.replica.get(),
                Some(_) => provisional_replica(),
            });
            Ok::<_, Error>(damage)
        })?;
        let status = self.doc.status();
        if let Some(first) = damage.first() {
            status.permanent_error(Error::storage(format!(
                "{} stored records cannot be read, and are kept as they are: {}",
                damage.len(),
                first.error
            )));
        }
        status.change(&mut |status| {
            status.loading = false;
            status.permission = status
                .permission
                .or(may_edit.map(|may_edit| match may_edit {
                    true => Permission::Write,
                    false => Permission::Read,
                }));
            if status.unsaved == 0 {
                status.error.clone_from(&status.permanent_error);
            }
        });
        Ok(())
    }

    /// Moves the document to this page's replica id.
    pub(super) fn set_own_replica(&self) {
        self.doc
            .with_state(|DocState { doc, .. }| doc.set_replica(self.replica.get()));
    }
}
