//! The outbox: the unacknowledged transactions of a document.

mod base_cells;
mod copy;
mod pending;
mod rejected;
mod restamp;

use std::sync::Arc;

pub(super) use self::base_cells::BaseCells;
pub use self::rejected::{Received, Rejected};
use super::{Doc, Transaction, Tx, transaction::Setting};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Changes, Quarantine, Root},
    delta::{Delta, Snapshot},
    error::Error,
    path::Path,
    version::VersionVector,
};

/// The transactions of a document that its relay has not acknowledged, and the state without them.
///
/// It is for apps with an exchange of their own, by version vectors. The protocol in
/// [`sync`](crate::sync), which pages and this project's relay speak, does not use it.
///
/// A document that is exchanged with a relay is edited and updated through its outbox: by
/// [`transact`](Outbox::transact) for edits, [`take`](Outbox::take) for transactions from storage
/// or another tab, and [`receive`](Outbox::receive) for messages from the relay. So each
/// transaction can be [rolled back](Outbox::reject) if the relay rejects it, and
/// [restamped](Outbox::restamp) if a clock was wrong. The outbox does no IO and keeps the order of
/// transactions.
///
/// It takes memory for each cell that an unacknowledged transaction wrote: the path, and the value
/// without the transaction.
///
/// ```
/// use leptos_sync_core::{Clock, Crdt, Doc, LwwRegister, Outbox, ReplicaId};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
/// }
///
/// let mut page = Doc::<Page>::new(Clock::system(ReplicaId::new(1)));
/// let mut outbox = Outbox::new();
/// let first = outbox.transact(&mut page, |tx| tx.title().set("Plans".to_owned()))?;
/// outbox.acknowledge(first.delta.upto());
///
/// let second = outbox.transact(&mut page, |tx| tx.title().set("Nonsense".to_owned()))?;
/// outbox.reject(&mut page, second.delta.upto());
/// assert_eq!(page.state().title.get(), "Plans");
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Default)]
pub struct Outbox {
    transactions: Vec<Delta>,
    base_cells: BaseCells,
    acknowledged: VersionVector,
    /// Whether the outbox keeps nothing, because there is no relay.
    is_off: bool,
}

/// Returns the replica and time of the version to which a transaction leads.
fn stamp(delta: &Delta) -> Option<Stamp> {
    let mut upto = delta.upto().iter();
    let (replica, time) = upto.next()?;
    upto.next().is_none().then_some(Stamp::new(time, replica))
}

impl Outbox {
    /// Creates an empty outbox for a relay whose content is unknown.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates an empty outbox for a relay that contains `acknowledged`, which an earlier outbox
    /// has returned.
    pub fn resume(acknowledged: VersionVector) -> Self {
        Self {
            acknowledged,
            ..Self::default()
        }
    }

    /// Creates an outbox that keeps nothing, for a document without a relay. All operations change
    /// only the document, so callers need no special case.
    pub fn without_relay() -> Self {
        Self {
            is_off: true,
            ..Self::default()
        }
    }

    /// Returns the operations that the relay is known to contain or to have rejected for good.
    pub fn acknowledged(&self) -> &VersionVector {
        &self.acknowledged
    }

    /// Returns the unacknowledged transactions, in order.
    pub fn transactions(&self) -> &[Delta] {
        &self.transactions
    }

    /// Returns the replicas that wrote the transactions, and the time of the last one of each.
    pub fn writers(&self) -> VersionVector {
        let mut writers = VersionVector::new();
        for delta in &self.transactions {
            writers.join(delta.upto());
        }
        writers
    }

    /// Returns the number of replicas with operations that belong to no transaction and may be
    /// missing at the relay, such as operations made before the relay was configured.
    /// O(transactions).
    pub fn unknown<S: Root>(&self, doc: &Doc<S>) -> usize {
        match self.is_off {
            true => 0,
            false => self.version(doc).beyond(&self.acknowledged).len(),
        }
    }

    /// Returns the number of unacknowledged transactions.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Returns whether all transactions are acknowledged.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Edits the document; see [`Doc::transact`]. O(cells written).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::transact`]. An error changes nothing.
    pub fn transact<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Transaction, Error> {
        self.transact_in(doc, Setting::default(), edit)
    }

    /// Edits a document whose state readers share while `edit` runs.
    ///
    /// `before_write` is called once, before the first write or the first use of a field's
    /// accessor. If readers release the state then, it is not copied. If the transaction fails,
    /// `rejected` receives the state that contains the edit, which costs a copy of the state.
    ///
    /// # Errors
    ///
    /// Those of [`Doc::transact`]. An error changes nothing.
    #[doc(hidden)]
    pub fn transact_shared<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        before_write: &mut dyn FnMut(),
        rejected: Option<&mut Option<Arc<S>>>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Transaction, Error> {
        let setting = Setting {
            before_write: Some(before_write),
            rejected,
            ..Setting::default()
        };
        self.transact_in(doc, setting, edit)
    }

    fn transact_in<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        setting: Setting<'_, S>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Transaction, Error> {
        let base = (!self.is_off).then_some(&mut self.base_cells);
        let setting = Setting {
            base,
            seen: None,
            before_write: setting.before_write.map(|hook| hook as &mut dyn FnMut()),
            rejected: setting.rejected,
        };
        let done = Transaction::from(doc.transact_in(setting, edit)?);
        if !done.delta.is_empty() && !self.is_off {
            self.transactions.push(done.delta.clone());
        }
        Ok(done)
    }

    /// Joins a transaction of another tab. Keeps it unless the relay has acknowledged it. A
    /// transaction that is already in the outbox changes nothing. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::apply`]. An error changes nothing.
    pub fn take<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        self.take_by(doc, delta, Doc::apply)
    }

    /// Joins a transaction from the document's own storage. Unlike [`take`](Outbox::take), this
    /// accepts the document's own replica and does not check the drift.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] if operations before it are missing. An error changes nothing.
    pub fn load<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        self.take_by(doc, delta, Doc::apply_own)
    }

    /// Records that a part of the stored snapshot was joined with the document, which may have been
    /// edited before.
    pub(crate) fn load_base(&mut self, part: &Snapshot) {
        self.base_cells.join(part.cells());
    }

    fn take_by<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        delta: &Delta,
        apply: fn(&mut Doc<S>, &Delta) -> Result<Changes, Error>,
    ) -> Result<Changes, Error> {
        if self.is_off || self.acknowledged.covers(delta.upto()) {
            let changes = apply(doc, delta)?;
            self.base_cells.join(delta.cells());
            return Ok(changes);
        }
        if doc.version().covers(delta.upto()) {
            return Ok(Changes::new());
        }
        let mut value = Vec::new();
        delta.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            self.base_cells
                .cover(&path, || doc.cell_at(&path, &mut value));
        });
        let changes = apply(doc, delta)?;
        self.transactions.push(delta.clone());
        Ok(changes)
    }

    /// Returns the version of the document without the unacknowledged transactions. Open the
    /// document at the relay with this version; the relay's answer then also covers these
    /// transactions. O(transactions).
    pub fn version<S: Root>(&self, doc: &Doc<S>) -> VersionVector {
        // Find the start of each replica's transactions, which are in order.
        let mut starts = VersionVector::new();
        let mut written = VersionVector::new();
        for delta in &self.transactions {
            if let Some(stamp) = stamp(delta)
                && written.get(stamp.replica) == Time::ZERO
            {
                starts.include(stamp.replica, delta.after().get(stamp.replica));
                written.include(stamp.replica, stamp.time);
            }
        }
        let version = doc.version().iter().map(|(replica, time)| {
            let start = match written.get(replica) {
                Time::ZERO => time,
                _ => starts.get(replica),
            };
            (replica, time.min(start))
        });
        version.collect()
    }

    /// Joins a delta from the relay. O(cells of the delta).
    ///
    /// Accepts stamps that are ahead of this device's clock: the relay has checked them.
    ///
    /// A transaction that the relay's version contains is acknowledged if the relay has its cells,
    /// or later ones in their place. Otherwise the relay has rejected it and the answer was lost,
    /// so it is rolled back. This conclusion requires that the document was opened with
    /// [`version`](Outbox::version).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::apply`] except [`Error::is_drift`]. An error changes nothing.
    pub fn receive<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        delta: &Delta,
    ) -> Result<Received<S>, Error> {
        let changes = doc.apply_accepted(delta)?;
        self.base_cells.join(delta.cells());
        let seen = (delta.after(), delta.upto(), &VersionVector::new());
        Ok(self.settle(doc, seen, changes))
    }

    /// Joins a delta from the document's own storage that the relay sent earlier. Unlike
    /// [`receive`](Outbox::receive), this accepts the document's own replica. O(cells of the
    /// delta).
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] if operations before it are missing. An error changes nothing.
    pub fn load_received<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        delta: &Delta,
    ) -> Result<Received<S>, Error> {
        let changes = doc.apply_own(delta)?;
        self.base_cells.join(delta.cells());
        let seen = (delta.after(), delta.upto(), &VersionVector::new());
        Ok(self.settle(doc, seen, changes))
    }

    /// Joins the relay's whole state; see [`Doc::merge_snapshot_parts`] and
    /// [`receive`](Outbox::receive). O(cells of both).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::merge_snapshot_parts`] except [`Error::is_drift`]. An error changes nothing.
    pub fn receive_snapshot<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        parts: &[Snapshot],
    ) -> Result<Received<S>, Error> {
        let changes = doc.merge_accepted_parts(parts)?;
        let Some(last) = parts.last() else {
            return Ok(Received::default());
        };
        for part in parts {
            self.base_cells.join(part.cells());
        }
        self.base_cells.forget(last.version(), parts);
        let seen = (&VersionVector::new(), last.version(), last.horizon());
        Ok(self.settle(doc, seen, changes))
    }

    /// Settles transactions after a message from the relay: each transaction that `upto` contains
    /// was either accepted or rejected. The cells of the message, which are all beyond `after`,
    /// were joined before. A missing cell that `forgotten` contains may have been removed since.
    fn settle<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        (after, upto, forgotten): (&VersionVector, &VersionVector, &VersionVector),
        mut changes: Changes,
    ) -> Received<S> {
        let mut rejected = Vec::new();
        for delta in &self.transactions {
            // The relay's answer relies on operations that it had acknowledged before the request.
            let is_told = upto.covers(delta.upto()) && !after.covers(delta.upto());
            if is_told && self.base_cells.lacks(delta, forgotten) {
                rejected.push(delta.clone());
            }
        }
        let before = (!rejected.is_empty()).then(|| doc.shared_state());
        for delta in &rejected {
            if let Some((_, back)) = self.roll_back(doc, delta.upto()) {
                changes.append(back);
            }
        }
        self.acknowledged.join(upto);
        // The message contained their cells if the relay still has them.
        self.remove_acknowledged(|_, _| {});
        Received {
            changes,
            rejected,
            before,
        }
    }

    /// Records that the relay has acknowledged everything up to `upto`. O(cells of the acknowledged
    /// transactions).
    pub fn acknowledge(&mut self, upto: &VersionVector) {
        self.acknowledged.join(upto);
        self.remove_acknowledged(|base, delta| base.join(delta.cells()));
    }

    /// Removes acknowledged transactions.
    fn remove_acknowledged(&mut self, work: fn(&mut BaseCells, &Delta)) {
        self.transactions.retain(|delta| {
            let done = self.acknowledged.covers(delta.upto());
            if done {
                work(&mut self.base_cells, delta);
            }
            !done
        });
        self.clear_base_cells();
    }

    fn clear_base_cells(&mut self) {
        if self.transactions.is_empty() {
            self.base_cells = BaseCells::default();
        }
    }

    /// Rolls back the transaction that leads to the version `upto`, which the relay has rejected
    /// for good.
    ///
    /// A cell that the transaction wrote returns to its base, unless it was written again since.
    /// Later transactions keep their values even if they derive from the rejected one: a counter's
    /// cell contains all earlier counts. Returns `None` if the outbox does not contain the
    /// transaction.
    ///
    /// O(cells of all transactions). The [state before](Rejected::before) costs a copy of the state
    /// while it is kept.
    ///
    /// Do not call it for a transaction that was rejected for its timestamp, which the relay does
    /// not record. Such a transaction stays queued and can be [restamped](Outbox::restamp).
    pub fn reject<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        upto: &VersionVector,
    ) -> Option<Rejected<S>> {
        let before = doc.shared_state();
        let (delta, changes) = self.roll_back(doc, upto)?;
        Some(Rejected {
            delta,
            changes,
            before,
        })
    }

    fn roll_back<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        upto: &VersionVector,
    ) -> Option<(Delta, Changes)> {
        self.acknowledged.join(upto);
        let at = self
            .transactions
            .iter()
            .position(|delta| delta.upto() == upto)?;
        let rejected = self.transactions.remove(at);
        let written = stamp(&rejected);
        let mut cells = Quarantine::default();
        let mut value = Vec::new();
        rejected.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            let still = doc.cell_at(&path, &mut value).map(|cell| cell.stamp);
            if still == written {
                self.base_cells.add_to(&mut cells, path);
            }
        });
        let changes = self.restore(doc, cells);
        self.clear_base_cells();
        Some((rejected, changes))
    }

    /// Joins a delta that does not come from the relay and is not kept as a transaction; see
    /// [`Doc::apply`]. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// Those of [`Doc::apply`]. An error changes nothing.
    pub fn apply<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        let changes = doc.apply(delta)?;
        // Cells that lose to an unacknowledged one still belong to the base.
        self.base_cells.join(delta.cells());
        Ok(changes)
    }

    /// Restores the document at the paths of `cells`, which are base cells: joins the transactions'
    /// cells and writes the result. O(cells of all transactions).
    fn restore<S: Root>(&self, doc: &mut Doc<S>, mut cells: Quarantine) -> Changes {
        if cells.is_empty() {
            return Changes::new();
        }
        for delta in &self.transactions {
            let each = &mut |parent: Path<'_>, cell: CellRef<'_>| cells.overtake(parent, cell);
            delta.cells().for_each(each);
        }
        doc.put(&cells)
    }
}
