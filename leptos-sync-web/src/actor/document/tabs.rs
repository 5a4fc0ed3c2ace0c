use std::{ptr, rc::Rc, time::Duration};

use leptos_sync_core::{
    Changes, Error, ReplicaId, Root,
    history::{Entry, EntryId, IdHead, Patch},
    replica::{EntryJoin, Pending, Replica},
    sync::{TabMessage, TabMessageKind},
};

use super::{DocumentActor, Timer};
use crate::task::after;

/// The time in which a page opens the database again after another one has ended the connection.
const REOPEN: Duration = Duration::from_millis(200);

impl<S: Root> DocumentActor<S> {
    /// Sends a message to the other tabs.
    pub(super) fn send_to_tabs(&self, kind: TabMessageKind) {
        let document = self.name.clone();
        self.page
            .send_to_tabs(ptr::from_ref(self), TabMessage { document, kind });
    }

    /// Sends an entry to the other tabs.
    pub(super) fn send_entry(&self, id: EntryId) {
        if let Some(one) = self.doc.with_replica(|replica| replica.entry(id)) {
            self.send_to_tabs(TabMessageKind::Edit(one));
        }
    }

    /// Handles a message from another tab.
    pub(super) fn handle_message(self: &Rc<Self>, kind: &TabMessageKind) {
        self.has_siblings.set(true);
        match kind {
            TabMessageKind::Edit((entry, seen)) => self.join_entry(entry, seen),
            TabMessageKind::OutboxRequest { asker, known } => {
                if self.page.storage.is_current() {
                    self.answer(*asker, known);
                } else {
                    // The database may have been cleared, for a page that must not see the old
                    // data.
                    let (this, asker, known) = (Rc::clone(self), *asker, known.clone());
                    after(REOPEN, move || this.answer(asker, &known));
                }
            }
            TabMessageKind::Outbox {
                asker,
                entries,
                heads,
            } => {
                // The answer to another tab lacks what only that tab knew.
                if *asker == self.asker {
                    self.update(&mut |replica| Ok(replica.join_outbox(entries, heads)));
                }
            }
            TabMessageKind::Restamp(entries) => {
                // Later entries of this page may follow those of the message.
                let known: Vec<_> = entries.iter().map(|(entry, _)| entry.id).collect();
                let replaced = &mut |replica: &mut Replica<S>| replica.replace_entries(entries);
                let _ = self.change_outbox(Some(&known), replaced);
            }
            TabMessageKind::Reject { id, reason, text } => {
                let before = self.doc.with_replica(|replica| replica.revisions());
                // An error would be one of this document's own cells.
                let _ = self.reject(*id, *reason, text.clone(), Replica::reject_elsewhere);
                // The other tab may not know the later counts that contained this one.
                self.send_changes(&before, Some(&[*id]));
            }
            TabMessageKind::Ack(ack) => {
                self.update(&mut |replica| replica.stored_elsewhere(ack));
                self.doc.update_pending();
            }
            TabMessageKind::Move(ids) => {
                self.update(&mut |replica| Ok(replica.moved_elsewhere(ids)));
            }
            TabMessageKind::Discarded => return self.discarded(),
        }
        self.save_soon();
        self.send_others_later();
    }

    /// Changes the outbox, and notifies the other tabs; see
    /// [`send_changes`](DocumentActor::send_changes).
    pub(super) fn change_outbox(
        self: &Rc<Self>,
        known: Option<&[EntryId]>,
        change: &mut dyn FnMut(&mut Replica<S>) -> Result<Changes, Error>,
    ) -> Result<(), Error> {
        let before = self.doc.with_replica(|replica| replica.revisions());
        self.doc.update(None, change)?;
        self.send_changes(&before, known);
        Ok(())
    }

    /// Notifies the other tabs of the changes since the outbox had these revisions.
    ///
    /// In answer to a message about the entries `known`, sends only the page's own other entries.
    /// Otherwise, tabs would answer each other forever.
    fn send_changes(self: &Rc<Self>, before: &[(EntryId, u32)], known: Option<&[EntryId]>) {
        let own = self.doc.with_replica(|replica| replica.own_id());
        let mut changed = self
            .doc
            .with_replica(|replica| replica.changed_since(before));
        if !changed.added.is_empty() {
            self.send_to_tabs(TabMessageKind::Move(changed.moved));
            for one in changed.added {
                // No other page writes under the new id.
                self.due.borrow_mut().push(one.0.id);
                self.send_to_tabs(TabMessageKind::Edit(one));
            }
        }
        if let Some(known) = known {
            let is_own = |id: EntryId| own == Some(id.replica) && !known.contains(&id);
            changed.replaced.retain(|(entry, _)| is_own(entry.id));
        }
        if changed.replaced.is_empty() {
            self.save_soon();
        } else {
            self.send_to_tabs(TabMessageKind::Restamp(changed.replaced));
            // Store restamped entries before sending them. Otherwise they would be restamped again
            // after a crash.
            self.save();
        }
    }

    /// Sends another tab the entries that it lacks, unless the database was cleared since.
    fn answer(&self, asker: u64, known: &[(ReplicaId, IdHead)]) {
        if self.page.storage.is_current() {
            let (entries, heads) = self.doc.with_replica(|replica| replica.outbox_after(known));
            self.send_to_tabs(TabMessageKind::Outbox {
                asker,
                entries,
                heads,
            });
        }
    }

    fn join_entry(self: &Rc<Self>, entry: &Entry, seen: &Patch) {
        let mut is_gap = false;
        let _ = self.doc.update(Some(&entry.cells), &mut |replica| {
            Ok(match replica.join_entry(entry.clone(), seen) {
                EntryJoin::Joined(changes) => changes,
                taken => {
                    is_gap |= matches!(taken, EntryJoin::Gap);
                    Changes::new()
                }
            })
        });
        if is_gap {
            self.has_gap.set(true);
            self.ask_others_again();
        }
    }

    fn update(&self, change: &mut dyn FnMut(&mut Replica<S>) -> Result<Changes, Error>) {
        // An error would be one of this document's own cells.
        let _ = self.doc.update(None, change);
    }

    /// Forgets the tombstones of a document without a relay if no other tab has it open. The
    /// storage keeps them until the next compaction.
    pub(super) fn forget(&self) {
        if !self.has_siblings.get() {
            self.doc
                .with_replica(|replica| replica.forget_local_tombstones());
        }
    }

    /// Requests the entries that this tab lacks from the other tabs.
    pub(super) fn ask_others(&self) {
        let (asker, known) = (
            self.asker,
            self.doc.with_replica(|replica| replica.known_heads()),
        );
        self.send_to_tabs(TabMessageKind::OutboxRequest { asker, known });
    }

    /// Requests missing entries from the other tabs, if there are any. Does nothing if a request
    /// was sent recently, since the other tabs may not have them.
    pub(super) fn ask_others_again(self: &Rc<Self>) {
        if !self.is_set(Timer::Ask) && self.has_gap.replace(false) {
            self.after(Timer::Ask);
            self.ask_others();
        }
    }

    /// Starts sending the entries of other pages that those pages do not send themselves.
    pub(super) fn send_others_later(self: &Rc<Self>) {
        let has_others = self.doc.with_replica(|replica| {
            let (own, user) = (replica.own_id(), replica.user());
            replica.entries().iter().map(Pending::entry).any(|entry| {
                let is_waiting = entry.stored.is_none() && Some(entry.id.replica) != own;
                is_waiting && self.may_send(entry, user)
            })
        });
        if has_others && self.page.session().is_some() {
            self.after(Timer::Others);
        }
    }

    /// Sends the entries of other pages that have waited since the last call, once this page has
    /// stored them.
    pub(super) fn send_others(self: &Rc<Self>) {
        if !self.doc.status().is_online() {
            // The next exchange sets the timer again.
            return;
        }
        let waiting = self.doc.with_replica(|replica| replica.adopt_entries());
        self.due.replace(waiting);
        self.save();
        self.push();
        self.send_others_later();
    }
}
