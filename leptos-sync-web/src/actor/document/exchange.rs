use std::{rc::Rc, sync::Arc};

use leptos_sync_core::{
    Changes, Error, ReplicaId, Root, Time,
    cells::PathBuf,
    clock::Window,
    history::{
        Ack, CellRange, Entry, EntryId, Epochs, IdHead, Next, Opened, Opening, Page, Patch,
        RelayState, Sequence, Witness,
    },
    replica::{Readiness, RejectedEntry, Replica},
    sync::{Document, Permission, Reason, TabMessageKind},
};

use super::DocumentActor;
use crate::live::{AnyState, Cause, Connection, Present, Rejection};

/// The implementation of [`Document`], which the relay's client calls. It shows and stores cells
/// from the relay, and notifies the other tabs when the state of an entry changes.
pub(super) struct Exchanged<S: 'static>(pub(super) Rc<DocumentActor<S>>);

impl<S: Root> Exchanged<S> {
    fn replica<R>(&self, work: impl FnOnce(&mut Replica<S>) -> R) -> R {
        self.0.doc.with_replica(work)
    }

    /// Changes the outbox, and notifies the other tabs.
    fn change_outbox(
        &self,
        change: &mut dyn FnMut(&mut Replica<S>) -> Result<Changes, Error>,
    ) -> Result<(), Error> {
        self.0.change_outbox(None, change)
    }
}

impl<S: Root> Document for Exchanged<S> {
    fn start(&mut self) -> Opening {
        self.replica(Replica::start)
    }

    fn epochs(&self) -> Epochs {
        self.replica(|replica| replica.progress().epochs.clone())
    }

    fn position(&self) -> Sequence {
        self.replica(|replica| replica.progress().cursor.position.sequence)
    }

    fn witness(&self) -> Witness {
        self.replica(|replica| replica.witness())
    }

    fn set_permission(&mut self, permission: Permission) {
        self.0.permit(permission);
        self.0.save_soon();
    }

    fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        self.0.page.time.follow(opened.now_ms);
        let next = self.replica(|replica| replica.opened(opened))?;
        self.0.doc.status().change(&mut |status| {
            // The relay sends the presence of the others again.
            status.peers = Arc::default();
            status.connection = Connection::Online;
        });
        self.0.doc.update_pending();
        Ok(next)
    }

    fn range(&mut self, range: &CellRange) -> Result<Vec<Patch>, Error> {
        let mut offers = Vec::new();
        self.0.doc.update(None, &mut |replica| {
            let compared = replica.range(range)?;
            offers = compared.offers;
            Ok(compared.changes)
        })?;
        Ok(offers)
    }

    fn compared_to(&self) -> Option<PathBuf> {
        self.replica(|replica| replica.compared_to().cloned())
    }

    fn offered(&mut self, all: bool, state: RelayState) {
        self.replica(|replica| replica.offered(all, state));
    }

    fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.replica(|replica| replica.heads())
    }

    fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.replica(|replica| replica.adopted(heads, state));
    }

    fn compared(&mut self) -> Result<(), Error> {
        if !self.replica(Replica::compared) {
            return Err(Error::unavailable(
                "the relay did not accept everything that this page has offered to restore",
            ));
        }
        self.0.doc.update_pending();
        self.0.save_soon();
        Ok(())
    }

    fn page(&mut self, page: &Page) -> Result<(), Error> {
        self.0
            .doc
            .update(Some(&page.cells), &mut |replica| replica.page(page))?;
        self.0.save_soon();
        Ok(())
    }

    fn caught_up(&mut self, window: Window) -> Result<(), Error> {
        self.change_outbox(&mut Replica::settle)?;
        // The user is the guest who has made them.
        if self.0.page.keeps_guest_edits && self.replica(Replica::take_guest_entries) {
            self.0.save();
        }
        self.0.list_waiting();
        self.change_outbox(&mut |replica| replica.restamp_ahead(window))?;
        // Later, each compaction forgets them.
        if !self.0.has_forgotten.get() {
            let has_forgotten = self.replica(Replica::forget_tombstones);
            self.0.has_forgotten.set(has_forgotten);
        }
        self.0.send_others_later();
        Ok(())
    }

    fn entries(&mut self, bytes: usize, count: usize) -> Result<Vec<Entry>, Error> {
        let (is_stored, due) = (self.0.is_stored(), self.0.due.borrow());
        Ok(self.replica(|replica| {
            let (own, user) = (replica.own_id(), replica.user());
            replica.next_due_entries(bytes, count, &mut |one| {
                let id = one.entry().id;
                let is_due = own == Some(id.replica) || due.contains(&id);
                if !self.0.may_send(one.entry(), user) {
                    return Readiness::Withheld;
                }
                // A crash must not lose what the relay has.
                match is_due && (one.is_saved() || !is_stored) {
                    true => Readiness::Ready,
                    false => Readiness::Waiting,
                }
            })
        }))
    }

    fn acknowledged(&mut self, ack: &Ack) -> Result<(), Error> {
        self.0
            .doc
            .update(None, &mut |replica| replica.acknowledged(ack))?;
        self.0.send_to_tabs(TabMessageKind::Ack(*ack));
        self.0.save_soon();
        Ok(())
    }

    fn rejected(
        &mut self,
        id: EntryId,
        reason: Reason,
        text: &str,
        window: Window,
    ) -> Result<(), Error> {
        if reason == Reason::Forged {
            // The relay has bound the id to another user.
            if self.0.page.keeps_guest_edits {
                self.change_outbox(&mut |replica| replica.move_to_derived_id(id.replica))?;
                self.0.save();
            } else {
                self.0.leave_to_its_user(id, text);
            }
            return Ok(());
        }
        if !reason.concerns_time() {
            let text = text.to_owned();
            self.0.send_to_tabs(TabMessageKind::Reject {
                id,
                reason,
                text: text.clone(),
            });
            return self.0.reject(id, reason, text, Replica::reject);
        }
        self.0.page.time.follow(window.now_ms);
        let now = Time::try_from_ms(window.now_ms).unwrap_or_default();
        let from = match reason {
            Reason::TooOld => window.floor,
            _ => now,
        };
        self.change_outbox(&mut |replica| replica.restamp(id, from))
    }

    fn presence(&mut self, peer: ReplicaId, user: &str, data: &[u8]) {
        self.0.doc.status().change(&mut |status| {
            let mut peers = status.peers.to_vec();
            let present = Present {
                id: peer,
                user: user.to_owned(),
                data: data.to_vec(),
            };
            match peers.iter_mut().find(|known| known.id == peer) {
                Some(known) => *known = present,
                None => peers.push(present),
            }
            peers.retain(|present| !present.data.is_empty());
            status.peers = Arc::new(peers);
        });
    }

    fn closed(&mut self, reason: Reason, text: &str) {
        let message = text.into();
        let cause = Cause::Relay { reason, message };
        // In these cases, the client opens the document again soon.
        let is_temporary = reason.is_temporary() || reason == Reason::TooManyDocuments;
        self.0.set_connection(match is_temporary {
            true => Connection::Offline(cause),
            false => Connection::Refused(cause),
        });
    }

    fn removed(&mut self) {
        self.0.set_connection(Connection::Removed);
        self.0.list_removed();
    }
}

/// The report about the edits of a removed document.
const REMOVED: &str = "the document was removed at the relay";

/// Returns the names of the entries in the outbox.
fn names<S: Root>(replica: &Replica<S>) -> Vec<EntryId> {
    let entries = replica.entries().iter();
    entries.map(|one| one.entry().id).collect()
}

/// A function that rolls back an entry.
type RollBack<S> = fn(&mut Replica<S>, EntryId) -> Result<Option<RejectedEntry<S>>, Error>;

impl<S: Root> DocumentActor<S> {
    /// Rolls back an edit, because the user may only read the document.
    pub(super) fn withdraw(self: &Rc<Self>, id: EntryId) {
        let text = "this user may read this document, but not edit it";
        // An error would be one of this document's own cells.
        let _ = self.reject(id, Reason::Forbidden, text.to_owned(), Replica::withdraw);
    }

    /// Rolls back an entry that the relay has rejected for good, and reports it.
    pub(super) fn reject(
        self: &Rc<Self>,
        id: EntryId,
        reason: Reason,
        message: String,
        roll_back: RollBack<S>,
    ) -> Result<(), Error> {
        let (mut before, mut outbox) = (None, Vec::new());
        self.doc.update(None, &mut |replica| {
            outbox = names(replica);
            Ok(match roll_back(replica, id)? {
                Some(rejected) => {
                    before = Some(rejected.before as AnyState);
                    rejected.changes
                }
                None => Default::default(),
            })
        })?;
        if before.is_some() {
            self.list_with(outbox, id, reason, message, before);
            self.save();
        }
        Ok(())
    }

    /// Lists the edits of a removed document that the relay does not have, with the state that
    /// contains all of them.
    pub(super) fn list_removed(&self) {
        let state = self.doc.with_replica(|replica| {
            let mut entries = replica.entries().iter().map(|one| one.entry());
            let is_lost = entries.any(|entry| entry.stored.is_none() && !entry.cells.is_empty());
            is_lost.then(|| replica.doc().shared_state() as AnyState)
        });
        if state.is_some() {
            let is_before = |rejection: &Rejection| rejection.message() == REMOVED;
            self.doc.status().dismiss(&is_before);
            let text = REMOVED.to_owned();
            self.list(EntryId::default(), Reason::Other, text, state);
        }
    }

    pub(super) fn list(
        &self,
        id: EntryId,
        reason: Reason,
        message: String,
        state: Option<AnyState>,
    ) {
        self.list_with(Vec::new(), id, reason, message, state);
    }

    /// Lists the rejection of an entry. `state` contains the outbox.
    fn list_with(
        &self,
        outbox: Vec<EntryId>,
        id: EntryId,
        reason: Reason,
        message: String,
        state: Option<AnyState>,
    ) {
        let status = self.doc.status();
        let rejection = Rejection::by_relay(Arc::downgrade(status), reason, message, state, outbox);
        status.reject_by_relay(rejection, id);
    }
}
