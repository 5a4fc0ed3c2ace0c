//! Edits that wait on this device: those of other users of the browser, and those of a user who may
//! only read.

use std::rc::Rc;

use leptos_sync_core::{
    Root,
    history::{Entry, EntryId},
    replica::Pending,
    sync::{Permission, Reason},
};

use super::DocumentActor;
use crate::live::{AnyState, Rejection};

/// The report about edits of another user.
const OF_ANOTHER_USER: &str =
    "by another user of this browser; the edit is sent when that user is back";

/// The report about edits of a user who may only read.
const OF_READER: &str =
    "this user may read this document, but not edit it; the edits wait until the user may";

impl<S: Root> DocumentActor<S> {
    /// Returns whether the page may send an entry in the name of `user`.
    pub(super) fn may_send(&self, entry: &Entry, user: u64) -> bool {
        let is_guests = entry.user == 0 && self.page.keeps_guest_edits;
        (entry.user == user || is_guests) && !self.foreign.borrow().contains(&entry.id.replica)
    }

    /// Lists the unsent edits of other users, and those of this user if the user may only read. The
    /// latter are one rejection, which has the state with all of them and replaces an earlier one.
    pub(super) fn list_waiting(self: &Rc<Self>) {
        let (mut last, mut others) = (EntryId::default(), Vec::new());
        let state = self.doc.with_replica(|replica| {
            let user = replica.user();
            for entry in replica.entries().iter().map(Pending::entry) {
                if entry.stored.is_none() && !entry.cells.is_empty() {
                    match self.may_send(entry, user) {
                        true => last = entry.id,
                        false => others.push(entry.id),
                    }
                }
            }
            replica.doc().shared_state()
        });
        for id in others {
            self.leave_to_its_user(id, OF_ANOTHER_USER);
        }
        let status = self.doc.status();
        if last.number > 0 && status.is_reader() && self.listed.replace(last) != last {
            status.dismiss(&is_of_reader);
            let state = Some(state as AnyState);
            self.list(last, Reason::Forbidden, OF_READER.to_owned(), state);
        }
    }

    /// Handles the report of the user's permission.
    pub(super) fn permit(&self, permission: Permission) {
        let status = self.doc.status();
        status.change(&mut |status| status.permission = Some(permission));
        if !status.is_reader() {
            self.listed.take();
            status.dismiss(&is_of_reader);
        }
    }

    /// Leaves the entries of an id in the outbox, because another user has made them, and lists
    /// them once. They are neither sent under this user's name nor lost.
    pub(super) fn leave_to_its_user(&self, first: EntryId, text: &str) {
        let id = first.replica;
        if self.foreign.borrow().contains(&id) {
            return;
        }
        self.foreign.borrow_mut().push(id);
        self.doc.with_replica(|replica| {
            if replica.own_id() == Some(id) {
                replica.renew_id();
            }
        });
        self.list(first, Reason::Forged, text.to_owned(), None);
    }

    /// Makes all later edits in the name of the page's new user.
    pub(super) fn change_user(self: &Rc<Self>) {
        // The page ends with the new user's id, and then writes only the entries of that id.
        self.save_entries();
        let user = self.page.user.get();
        self.doc.with_replica(|replica| replica.set_user(user));
        self.foreign.take();
        let is_others = |rejection: &Rejection| rejection.reason() == Reason::Forged;
        self.doc.status().dismiss(&is_others);
    }
}

fn is_of_reader(rejection: &Rejection) -> bool {
    rejection.message() == OF_READER
}
