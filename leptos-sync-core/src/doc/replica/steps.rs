use super::{EntryJoin, RangeDifference, RejectedEntry, Replica};
use crate::{
    clock::{Time, Window},
    crdt::{Changes, Root},
    delta::Patch,
    error::Error,
    history::{
        Ack, CellRange, Entry, EntryId, IdHead, Next, Opened, Opening, Page, RelayState, Witness,
    },
    id::ReplicaId,
    path::PathBuf,
};

/// The steps of the exchange with the relay.
impl<S: Root> Replica<S> {
    /// Returns the witness to send with offers.
    pub fn witness(&self) -> Witness {
        self.exchange.witness()
    }

    /// Returns the request that opens the document at the relay. Ends an earlier session.
    pub fn start(&mut self) -> Opening {
        self.exchange.start()
    }

    /// Ends the session: the connection was lost.
    pub fn end_session(&mut self) {
        self.exchange.end_session();
    }

    /// Handles the relay's answer to the opening. O(outbox), and O(cells) if they have to be
    /// compared.
    ///
    /// # Errors
    ///
    /// - [`Error::is_corrupt`] if the answer contradicts itself.
    /// - [`Error::is_gap`] if the replica has not [started](Replica::start): it was loaded again
    ///   since, and may have another cursor than the one that the relay has answered.
    pub fn opened(&mut self, opened: &Opened) -> Result<Next, Error> {
        self.exchange.opened(&self.doc, opened)
    }

    /// Returns the last path that was compared; the driver requests the range after it. `None`
    /// before the first range, and after all were compared.
    pub fn compared_to(&self) -> Option<&PathBuf> {
        let session = self.exchange.session.as_ref()?;
        session.comparison.as_ref()?.after.as_ref()
    }

    /// Compares a range of the relay's cells with the base, and returns what to offer to the relay.
    ///
    /// Compares at most [`limits::COMPARED_PATHS`](crate::limits::COMPARED_PATHS) cells of the
    /// base, and so perhaps only the first part of the range: up to
    /// [`compared_to`](Replica::compared_to). O(cells of the range); once for so many cells,
    /// O(cells of the document).
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if no comparison is under way, or a cell is not in the range.
    pub fn range(&mut self, range: &CellRange) -> Result<RangeDifference, Error> {
        self.exchange.range(&mut self.doc, range)
    }

    /// Handles the answer to an offer. `all` is false if the relay has rejected one of its cells.
    pub fn offered(&mut self, all: bool, state: RelayState) {
        self.exchange.offered(all, state);
    }

    /// Returns the heads that a relay that has lost history adopts after the last range.
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

    /// Returns whether all pages were read up to the head that the relay had when it reported the
    /// heads of the ids: at the opening, or after a comparison.
    pub fn is_read(&self) -> bool {
        self.exchange.is_read()
    }

    /// Removes the entries that the relay has, once [everything is read](Replica::is_read).
    /// O(outbox).
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] if the relay lacks entries that it had stored. The replica is comparing
    /// then: open the document again.
    pub fn settle(&mut self) -> Result<Changes, Error> {
        self.exchange.settle(&mut self.doc)
    }

    /// Handles an acknowledgement. O(cells of the entries).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn acknowledged(&mut self, ack: &Ack) -> Result<Changes, Error> {
        self.exchange.acknowledged(&mut self.doc, ack)
    }

    /// Restamps an entry that was rejected for its time, at `from` or later, and the entries that
    /// follow it. O(cells of the outbox).
    ///
    /// This sets the clock back. So the clock's source should return the relay's time before the
    /// call.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] if `from` is not in milliseconds. An error changes nothing.
    pub fn restamp(&mut self, id: EntryId, from: Time) -> Result<Changes, Error> {
        self.exchange.recall(id);
        self.exchange.restamp(&mut self.doc, id, from)
    }

    /// Restamps the entries that the relay would reject because they are ahead of its clock. Call
    /// it after [`settle`](Replica::settle). O(cells of the outbox).
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] if the relay's time is not in milliseconds. An error changes nothing.
    pub fn restamp_ahead(&mut self, window: Window) -> Result<Changes, Error> {
        self.exchange.restamp_ahead(&mut self.doc, window)
    }

    /// Rolls back an entry that was rejected for good. It is sent again without cells. Returns
    /// `None` if the outbox has no such entry with cells. O(cells of the outbox).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn reject(&mut self, id: EntryId) -> Result<Option<RejectedEntry<S>>, Error> {
        self.exchange.recall(id);
        self.reject_elsewhere(id)
    }

    /// Rolls back an entry that the relay has rejected when another tab sent it. Returns the same
    /// as [`reject`](Replica::reject).
    ///
    /// # Errors
    ///
    /// Those of [`reject`](Replica::reject).
    pub fn reject_elsewhere(&mut self, id: EntryId) -> Result<Option<RejectedEntry<S>>, Error> {
        let before = self.doc.shared_state();
        let rejected = self.exchange.reject(&mut self.doc, id)?;
        Ok(rejected.map(|(entry, changes)| RejectedEntry {
            entry,
            changes,
            before,
        }))
    }

    /// Rolls back a transaction of this page that was neither stored nor sent. Its entry leaves the
    /// outbox once all later ones were withdrawn too, and its number is used again.
    ///
    /// # Errors
    ///
    /// Those of [`reject`](Replica::reject).
    pub fn withdraw(&mut self, id: EntryId) -> Result<Option<RejectedEntry<S>>, Error> {
        let before = self.doc.shared_state();
        let rejected = self.exchange.withdraw(&mut self.doc, id)?;
        Ok(rejected.map(|(entry, changes)| RejectedEntry {
            entry,
            changes,
            before,
        }))
    }

    /// Joins an entry of another tab, with what it [replaced](Pending::seen).
    pub fn join_entry(&mut self, entry: Entry, seen: &Patch) -> EntryJoin {
        self.exchange.join_entry(&mut self.doc, entry, seen)
    }

    /// Returns whether the relay has everything that the document shows, and the document shows
    /// everything that the relay has reported.
    pub fn is_synced(&self) -> bool {
        self.exchange.is_synced()
    }

    /// Removes the tombstones that the relay may have forgotten. Does nothing unless the document
    /// is read to the head. Returns whether it did. O(cells of the document).
    pub fn forget_tombstones(&mut self) -> bool {
        self.exchange.forget_tombstones(&mut self.doc)
    }
}
