//! A document that is exchanged with a relay by positions in the relay's history.

mod comparison;
mod exchange;
mod pending;
mod progress;
mod read;
mod reject;
mod restamp;
mod session;
mod settle;
mod tabs;

use std::sync::Arc;

pub use self::{
    comparison::Compared, pending::Pending, progress::Progress, session::Next, tabs::Taken,
};

use self::{exchange::Exchange, pending::Flight};
use super::{Doc, Tx, transaction::Setting};
use crate::{
    clock::{Clock, Time},
    crdt::{Changes, Quarantine, Root},
    delta::Patch,
    error::Error,
    history::{Ack, CellRange, Entry, EntryId, IdHead, Opened, Opening, Page, RelayState},
    id::ReplicaId,
};

/// A document with its outbox and its place in its relay's history.
///
/// The *base* is what the relay has sent. The *outbox* has the entries, one per transaction, that
/// the base does not contain yet. The document shows both, joined. A replica keeps no versions, so
/// that its cost does not depend on how many replicas ever wrote.
///
/// A replica does no IO. Its driver performs these steps, and each step is one call:
///
/// ```text
/// start ─▶ opened ─┬─▶ page … page ─────────────────────────┬─▶ settle ─▶ next_entries, acknowledged,
///                  │                                        │             restamp, reject, page …
///                  └─▶ range, offered … adopted, compared ─▶ page …
/// ```
///
/// An error of a step means that the relay's answer cannot be used; the driver ends the session and
/// opens the document again. Every step can be the last one before a crash.
pub struct Replica<S> {
    doc: Doc<S>,
    exchange: Exchange,
}

/// The result of a transaction.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Written {
    /// The entry of the outbox, or `None` if the transaction wrote nothing.
    pub entry: Option<Entry>,
    /// The paths of the changed cells.
    pub changes: Changes,
}

/// An entry that the relay has rejected, and that was rolled back.
#[derive(Clone)]
#[non_exhaustive]
pub struct RejectedEntry<S> {
    /// The entry.
    pub entry: Entry,
    /// The changes of the document that the rollback made.
    pub changes: Changes,
    /// The state that contained the entry. Later edits do not change it.
    pub before: Arc<S>,
}

impl<S: Root> Replica<S> {
    /// Creates an empty replica. `clock` stamps its transactions; its replica id is not used.
    pub fn new(clock: Clock) -> Self {
        Self::with_random(clock, || Ok(ReplicaId::random()?.get()))
    }

    /// Creates a replica with another source of the random numbers that identify writers and
    /// entries. For tests that are repeatable.
    pub fn with_random(clock: Clock, random: fn() -> Result<u64, Error>) -> Self {
        Self {
            doc: Doc::without_versions(clock),
            exchange: Exchange::new(random),
        }
    }

    /// Sets the place in the relay's history, as it was stored with the base and the outbox.
    pub fn load_progress(&mut self, progress: Progress) {
        self.exchange.progress = progress;
    }

    /// Joins cells of the stored base. Load the base before the outbox. O(cells of the patch).
    pub fn load_base(&mut self, cells: &Patch) {
        self.exchange.base_latest = self.exchange.base_latest.max(cells.latest());
        self.exchange.base.join(cells.cells());
        self.doc.absorb_silently(cells.body());
    }

    /// Adds a stored entry, with what it [replaced](Pending::seen).
    pub fn load_entry(&mut self, entry: Entry, seen: &Patch) {
        self.exchange.load_entry(&mut self.doc, entry, seen);
    }

    /// Returns the document, with the outbox.
    pub fn doc(&self) -> &Doc<S> {
        &self.doc
    }

    /// Returns the place in the relay's history.
    pub fn progress(&self) -> &Progress {
        &self.exchange.progress
    }

    /// Returns the outbox, in order.
    pub fn entries(&self) -> &[Pending] {
        &self.exchange.entries
    }

    /// Returns the id under which this page writes, once it has written.
    pub fn own(&self) -> Option<ReplicaId> {
        self.exchange.own.map(|(own, _)| own.replica)
    }

    /// Edits the document, and adds an entry to the outbox. O(cells written).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::transact`]. An error changes nothing.
    pub fn transact(&mut self, edit: impl FnOnce(&mut Tx<'_, S>)) -> Result<Written, Error> {
        self.transact_in(Setting::default(), edit)
    }

    /// Edits a document whose state readers share while `edit` runs; see
    /// [`Outbox::transact_shared`](super::Outbox::transact_shared).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::transact`]. An error changes nothing.
    pub fn transact_shared(
        &mut self,
        before_write: &mut dyn FnMut(),
        rejected: Option<&mut Option<Arc<S>>>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Written, Error> {
        let setting = Setting {
            before_write: Some(before_write),
            rejected,
            ..Setting::default()
        };
        self.transact_in(setting, edit)
    }

    fn transact_in(
        &mut self,
        setting: Setting<'_, S>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Written, Error> {
        let (own, hash) = self.exchange.next_names()?;
        self.doc.set_replica(own);
        self.doc.clock.resume(self.exchange.latest());
        let mut seen = Quarantine::default();
        let mut see = |path: crate::path::Path<'_>, old: crate::crdt::OldCell<'_>| {
            let value = old.value.filter(|_| old.is_count);
            if old.stamp.time > Time::ZERO {
                seen.put(path.to_owned(), old.stamp, value, None);
            }
        };
        let setting = Setting {
            base: Some(&mut self.exchange.base),
            seen: Some(&mut see),
            before_write: setting.before_write.map(|hook| hook as &mut dyn FnMut()),
            rejected: setting.rejected,
        };
        let done = self.doc.transact_in(setting, edit)?;
        let entry = match done.delta.is_empty() {
            true => None,
            false => {
                let cells = Patch::of_delta(done.delta);
                Some(
                    self.exchange
                        .add_own(own, hash, done.stamp.time, cells, seen),
                )
            }
        };
        let changes = done.changes;
        Ok(Written { entry, changes })
    }

    /// Returns what opens the document at the relay. A session before ends.
    pub fn start(&mut self) -> Opening {
        self.exchange.start()
    }

    /// Ends the session: the connection was lost.
    pub fn end_session(&mut self) {
        self.exchange.end_session();
    }

    /// Handles the relay's answer to the opening. O(outbox), and O(n log n) in the number of cells
    /// if they have to be compared.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if the answer contradicts itself.
    pub fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        self.exchange.opened(&self.doc, opened)
    }

    /// Returns the last path that was compared, after which the driver asks for the next range.
    /// `None` before the first range.
    pub fn compared_to(&self) -> Option<&crate::path::PathBuf> {
        let session = self.exchange.session.as_ref()?;
        session.comparison.as_ref()?.after.as_ref()
    }

    /// Compares a range of the relay's cells with the base, and returns what to offer to the relay.
    /// O(cells of the range).
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if no comparison is under way, or a cell is not in the range.
    pub fn range(&mut self, range: &CellRange) -> Result<Compared, Error> {
        self.exchange.range(&mut self.doc, range)
    }

    /// Handles the answer to an offer. `all` is false if the relay has rejected one of its cells.
    pub fn offered(&mut self, all: bool, state: RelayState) {
        self.exchange.offered(all, state);
    }

    /// Returns the heads that the relay adopts after the last range if it went back in time.
    pub fn heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.exchange.heads()
    }

    /// Handles the answer to these heads: those that the relay has now.
    pub fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.exchange.adopted(heads, state);
    }

    /// Ends the comparison after the last range. Returns false if the relay has rejected an offer,
    /// so that the document has to be opened and compared again later.
    pub fn compared(&mut self) -> bool {
        self.exchange.compared()
    }

    /// Joins a page of the relay. O(cells of the page).
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] if changes before the page are missing, or the document is not open. An
    /// error changes nothing.
    pub fn page(&mut self, page: &Page) -> Result<Changes, Error> {
        self.exchange.page(&mut self.doc, page)
    }

    /// Returns whether all pages up to the head at the opening were read.
    pub fn is_read(&self) -> bool {
        self.exchange.is_read()
    }

    /// Removes the entries that the relay has, once [everything is read](Replica::is_read).
    /// O(outbox).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn settle(&mut self) -> Result<Changes, Error> {
        self.exchange.settle(&mut self.doc)
    }

    /// Returns the next entries to send, in order, of at most about `bytes`, at least one. They are
    /// on their way until they are answered or the session ends.
    pub fn next_entries(&mut self, bytes: usize) -> Vec<Entry> {
        let (mut next, mut room) = (Vec::new(), bytes);
        for one in &mut self.exchange.entries {
            if one.entry.stored.is_some() || !matches!(one.flight, Flight::None) {
                continue;
            }
            let size = one.entry.cells.bytes();
            if !next.is_empty() && size > room {
                break;
            }
            room = room.saturating_sub(size);
            one.flight = Flight::Same;
            next.push(one.entry.clone());
        }
        next
    }

    /// Handles an acknowledgement. O(cells of the entries).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn acknowledged(&mut self, ack: &Ack) -> Result<Changes, Error> {
        self.exchange.acknowledged(&mut self.doc, ack)
    }

    /// Gives an entry that was rejected for its time a new one, at `from` or later, and later ones
    /// to the entries that follow it. O(cells of the outbox).
    ///
    /// This sets the clock back. Before the call, the clock's source should return the relay's
    /// time.
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn restamp(&mut self, id: EntryId, from: Time) -> Result<Changes, Error> {
        self.exchange.restamp(&mut self.doc, id, from)
    }

    /// Rolls back an entry that was rejected for good. It is sent again without cells. Returns
    /// `None` if the outbox has no such entry with cells. O(cells of the outbox).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn reject(&mut self, id: EntryId) -> Result<Option<RejectedEntry<S>>, Error> {
        let before = self.doc.shared_state();
        let rejected = self.exchange.reject(&mut self.doc, id)?;
        Ok(rejected.map(|(entry, changes)| RejectedEntry {
            entry,
            changes,
            before,
        }))
    }

    /// Joins an entry of another tab, with what it [replaced](Pending::seen).
    pub fn take_entry(&mut self, entry: Entry, seen: &Patch) -> Taken {
        self.exchange.take_entry(&mut self.doc, entry, seen)
    }

    /// Returns whether the relay has everything that the document shows, and the document shows
    /// everything that the relay has told of.
    pub fn is_synced(&self) -> bool {
        self.exchange.is_synced()
    }

    /// Removes the tombstones that the relay may have forgotten. Does nothing unless the document
    /// is read to the head. Returns whether it did. O(cells of the document).
    pub fn forget_tombstones(&mut self) -> bool {
        self.exchange.forget_tombstones(&mut self.doc)
    }

    /// Returns the base's cells: the document without the outbox. O(cells).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn base_parts(&self, bytes: usize) -> Result<Vec<Patch>, Error> {
        self.exchange.base_parts(&self.doc, bytes)
    }
}
