//! The users of a browser, who share the outbox. The page sends the entries of its user only.

use std::rc::Rc;

use leptos_sync_core::{
    Root,
    history::{Entry, EntryId},
    sync::Reason,
};

use super::DocumentActor;

/// The report about entries of another user.
const OF_ANOTHER_USER: &str =
    "another user of this browser made this edit, which is sent when that user is back";

impl<S: Root> DocumentActor<S> {
    /// Returns whether the page may send an entry in the name of `user`.
    pub(super) fn may_send(&self, entry: &Entry, user: u64) -> bool {
        let is_guests = entry.user == 0 && self.page.keeps_guest_edits;
        (entry.user == user || is_guests) && !self.foreign.borrow().contains(&entry.id.replica)
    }

    /// Gives the entries of a guest to the user if they are the same person, and lists those that
    /// belong to other users.
    pub(super) fn sort_by_user(self: &Rc<Self>) {
        let keeps = self.page.keeps_guest_edits;
        let (is_changed, others) = self.doc.with_replica(|replica| {
            let is_changed = keeps && replica.take_guest_entries();
            let user = replica.user();
            let entries = replica.entries().iter().map(|one| one.entry());
            let others = entries.filter(|entry| {
                let is_waiting = entry.stored.is_none() && !entry.cells.is_empty();
                is_waiting && !self.may_send(entry, user)
            });
            (is_changed, others.map(|entry| entry.id).collect::<Vec<_>>())
        });
        if is_changed {
            self.save();
        }
        for id in others {
            self.leave_to_its_user(id, OF_ANOTHER_USER.to_owned());
        }
    }

    /// Leaves the entries of an id in the outbox, because another user has made them, and lists
    /// them once. They are neither sent under this user's name nor lost.
    pub(super) fn leave_to_its_user(&self, first: EntryId, text: String) {
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
        self.list(first, Reason::Forged, text, None);
    }

    /// Makes all later edits in the name of the page's new user.
    pub(super) fn change_user(&self) {
        let user = self.page.user.borrow();
        self.doc.with_replica(|replica| replica.set_user(&user));
        self.foreign.take();
        let is_others = |rejection: &crate::live::Rejection| rejection.reason() == Reason::Forged;
        self.doc.status().relist(&is_others, None);
    }
}
