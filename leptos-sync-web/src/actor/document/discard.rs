//! Deletes a document on this device, when the app asks for it or another tab has done it.

use std::{any::Any, rc::Rc, time::Duration};

use leptos_sync_core::{
    Clock, Error, ReplicaId, Root, engine::ReplicaWrite, replica::Replica, sync::TabMessageKind,
};

use super::{DocumentActor, disk::Disk, load::Found};
use crate::{live::Rejections, task::after};

/// The time after which to look again whether the write in progress has ended.
const WAIT: Duration = Duration::from_millis(10);

/// Makes the actor of a document delete it.
pub(crate) fn discard<S: Root>(actor: &dyn Any) {
    if let Some(actor) = actor.downcast_ref::<Rc<DocumentActor<S>>>() {
        actor.discard();
    }
}

impl<S: Root> DocumentActor<S> {
    /// Deletes the document from the storage and from memory.
    fn discard(self: &Rc<Self>) {
        let Some(disk) = &self.disk else {
            return self.finish_discard();
        };
        if self.doc.status().is_loading() || !disk.begin() {
            let this = Rc::clone(self);
            return after(WAIT, move || this.discard());
        }
        self.read_all(disk, Self::delete_records);
    }

    fn delete_records(self: &Rc<Self>, disk: &Disk, found: Found) {
        match found.and_then(|records| disk.store().discard(records)) {
            Ok(ReplicaWrite {
                expected, batch, ..
            }) => self.commit(expected, batch, Self::deleted),
            Err(error) => self.deleted(disk, Err(error)),
        }
    }

    fn deleted(self: &Rc<Self>, disk: &Disk, deleted: Result<bool, Error>) {
        disk.end();
        match deleted {
            Ok(true) => self.finish_discard(),
            // Another tab has written in between.
            Ok(false) => self.discard(),
            Err(error) => self.doc.status().error(error),
        }
    }

    fn finish_discard(self: &Rc<Self>) {
        self.discarded();
        self.send_to_tabs(TabMessageKind::Discarded);
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
        let mut replica = Replica::new(clock);
        replica.set_user(self.page.user.get());
        self.doc.with_replica(|before| *before = replica);
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
