//! Deletes a document on this device, when the app asks for it or another tab has done it.

use std::{rc::Rc, time::Duration};

use leptos_sync_core::{
    Clock, Error, ReplicaId, Root, replica::Replica, storage::Storage as _, sync::TabMessageKind,
};

use super::{DocumentActor, disk::Disk};
use crate::{
    live::Rejections,
    task::{sleep, spawn},
};

/// The time after which to look again whether the write in progress has ended.
const WAIT: Duration = Duration::from_millis(10);

impl<S: Root> DocumentActor<S> {
    /// Deletes the document from the storage and from memory.
    pub(super) fn discard(self: &Rc<Self>) {
        let this = Rc::clone(self);
        spawn(async move {
            while this.doc.status().is_loading()
                || this.disk.get().is_some_and(|disk| !disk.begin())
            {
                sleep(WAIT).await;
            }
            let deleted = match this.disk.get() {
                Some(disk) => {
                    let deleted = this.delete_from(disk).await;
                    disk.end();
                    deleted
                }
                None => Ok(()),
            };
            match deleted {
                Ok(()) => {
                    this.discarded();
                    this.send_to_tabs(TabMessageKind::Discarded);
                }
                Err(error) => this.doc.status().error(error),
            }
        });
    }

    async fn delete_from(&self, disk: &Disk) -> Result<(), Error> {
        let prefix = disk.store().prefix().to_vec();
        loop {
            let records = disk.scan(&prefix).await?;
            let write = disk.store().discard(records)?;
            let committed = disk
                .store()
                .storage()
                .commit_if(write.expected, write.batch);
            // Otherwise, another tab has written in between.
            if committed.await? {
                return Ok(());
            }
        }
    }

    /// Starts over with an empty document, because the storage no longer has it.
    pub(super) fn discarded(self: &Rc<Self>) {
        self.empty();
        match self.disk() {
            // Learns from the storage what to do.
            Some(_) => self.check_disk(),
            None => self.reopen(),
        }
    }

    /// Empties the document in memory.
    pub(super) fn empty(&self) {
        let clock = Clock::new(ReplicaId::default(), self.page.time.clone());
        self.doc
            .with_replica(|replica| *replica = Replica::new(clock));
        self.foreign.take();
        self.due.take();
        self.doc.status().change(&mut |status| {
            status.permission = None;
            status.unsaved = 0;
            status.rejected = Rejections::default();
        });
        self.doc.replaced();
    }
}
