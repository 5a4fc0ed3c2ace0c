//! What a document holds that its relay has not acknowledged.

mod base_cells;
mod copy;
mod rejected;
mod restamp;

use std::sync::Arc;

pub(super) use self::base_cells::BaseCells;
use self::copy::copy;
pub use self::rejected::{Received, Rejected};
use super::{Doc, Transaction, Tx, transaction::Setting};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Changes, Quarantine, Root},
    delta::{Delta, Snapshot},
    error::Error,
    id::ReplicaId,
    path::Path,
    version::VersionVector,
};

/// The transactions of one document that its relay has not acknowledged, and what would stand there
/// without them.
///
/// A document that is exchanged with a relay is edited and brought up to date through its outbox:
/// by [`transact`](Outbox::transact) here, [`take`](Outbox::take) for what its own storage or
/// another tab tells, [`receive`](Outbox::receive) for what the relay tells. So each transaction
/// can be [taken back](Outbox::reject) when the relay refuses it, and [stamped
/// anew](Outbox::restamp) when a clock was wrong. It does no IO and keeps the order in which the
/// transactions came.
///
/// It costs, for each cell that an unacknowledged transaction wrote, its path and the value below
/// it.
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
    /// Whether there is no relay: nothing is kept.
    is_off: bool,
}

/// The version that one transaction leads to: its replica and its time.
fn stamp(delta: &Delta) -> Option<Stamp> {
    let mut upto = delta.upto().iter();
    let (replica, time) = upto.next()?;
    upto.next().is_none().then_some(Stamp::new(time, replica))
}

impl Outbox {
    /// Nothing to send, to a relay that is not known to contain anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// An outbox of a relay that is known to contain `acknowledged`: what was kept of an earlier
    /// one.
    pub fn resume(acknowledged: VersionVector) -> Self {
        Self {
            acknowledged,
            ..Self::default()
        }
    }

    /// An outbox that keeps nothing, for a document that no relay exchanges: what is done through
    /// it is done to the document alone, so that whoever drives documents with and without a relay
    /// has one way to do it.
    pub fn without_relay() -> Self {
        Self {
            is_off: true,
            ..Self::default()
        }
    }

    /// What the relay is known to contain, or to have refused for good.
    pub fn acknowledged(&self) -> &VersionVector {
        &self.acknowledged
    }

    /// The transactions that are not acknowledged, in the order in which they came.
    pub fn transactions(&self) -> &[Delta] {
        &self.transactions
    }

    /// Whose they are: the replicas that wrote them, and the time of the last of each.
    pub fn writers(&self) -> VersionVector {
        let mut writers = VersionVector::new();
        for delta in &self.transactions {
            writers.join(delta.upto());
        }
        writers
    }

    /// Of how many replicas the document contains something that is in no transaction and that no
    /// relay is known to have, as of all that was written before there was one. O(transactions).
    pub fn unknown<S: Root>(&self, doc: &Doc<S>) -> usize {
        match self.is_off {
            true => 0,
            false => self.version(doc).beyond(&self.acknowledged).len(),
        }
    }

    /// How many transactions are not acknowledged.
    pub fn len(&self) -> usize {
        self.transactions.len()
    }

    /// Whether all is acknowledged.
    pub fn is_empty(&self) -> bool {
        self.transactions.is_empty()
    }

    /// Edits the document; see [`Doc::transact`]. O(what is written).
    ///
    /// # Errors
    ///
    /// As for [`Doc::transact`]. Nothing has changed then.
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
    /// accessor: if readers release the state then, it is not copied. If the transaction fails,
    /// `rejected` receives the state that holds the edit. Keeping that costs a copy of the state.
    ///
    /// # Errors
    ///
    /// As for [`Doc::transact`]. Nothing has changed then.
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
            base: None,
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
            before_write: setting.before_write.map(|hook| hook as &mut dyn FnMut()),
            rejected: setting.rejected,
        };
        let done = doc.transact_in(setting, edit)?;
        if !done.delta.is_empty() && !self.is_off {
            self.transactions.push(done.delta.clone());
        }
        Ok(done)
    }

    /// Joins a transaction that the relay may not have, from another tab. One that is acknowledged
    /// is joined and not kept; one that is here already changes nothing. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// As for [`Doc::apply`]; nothing has changed then.
    pub fn take<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        self.take_by(doc, delta, Doc::apply)
    }

    /// Joins a transaction from the document's own storage: as [`take`](Outbox::take), but it may
    /// be of the document's own replica, and it is not asked how far ahead of the wall clock it is.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] when operations before it are missing; nothing has changed then.
    pub fn load<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        self.take_by(doc, delta, Doc::apply_own)
    }

    /// A part of the document's stored snapshot was joined with it, which may have been edited
    /// before.
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

    /// What the document contains but for the transactions that are here: the version from which to
    /// ask the relay, which then tells of these too, as far as it has them. O(transactions).
    pub fn version<S: Root>(&self, doc: &Doc<S>) -> VersionVector {
        // Where each replica's transactions begin: those of one come in order.
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

    /// Joins what the relay sent. O(cells of the delta).
    ///
    /// A transaction that the relay's version contains is acknowledged where the relay has its
    /// cells, or later ones in their place; where it does not, the relay has refused it and the
    /// answer was lost: it is taken back. That holds for what was asked for from
    /// [`version`](Outbox::version).
    ///
    /// # Errors
    ///
    /// As for [`Doc::apply`]; nothing has changed then.
    pub fn receive<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        delta: &Delta,
    ) -> Result<Received<S>, Error> {
        let changes = self.apply(doc, delta)?;
        let seen = (delta.after(), delta.upto(), &VersionVector::new());
        Ok(self.settle(doc, seen, changes))
    }

    /// Joins what the relay sent once, from the document's own storage: as
    /// [`receive`](Outbox::receive), but it is not asked how far ahead of the wall clock it is.
    /// O(cells of the delta).
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] when operations before it are missing; nothing has changed then.
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
    /// As for [`Doc::merge_snapshot_parts`]; nothing has changed then.
    pub fn receive_snapshot<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        parts: &[Snapshot],
    ) -> Result<Received<S>, Error> {
        let changes = doc.merge_snapshot_parts(parts)?;
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

    /// The relay contains `upto`, and its cells beyond `after` were joined: what of it is here is
    /// acknowledged, or was refused. What is not there although `forgotten` contains it may have
    /// been removed since.
    fn settle<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        (after, upto, forgotten): (&VersionVector, &VersionVector, &VersionVector),
        mut changes: Changes,
    ) -> Received<S> {
        let mut rejected = Vec::new();
        for delta in &self.transactions {
            // What the relay's answer takes for granted was acknowledged when it was asked.
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
        // Their cells were joined where the relay still has them.
        self.let_go(|_, _| {});
        Received {
            changes,
            rejected,
            before,
        }
    }

    /// Takes note that the relay contains everything up to there. O(cells of the transactions that
    /// this is about).
    pub fn acknowledge(&mut self, upto: &VersionVector) {
        self.acknowledged.join(upto);
        self.let_go(|base, delta| base.join(delta.cells()));
    }

    /// Lets the transactions go that are acknowledged.
    fn let_go(&mut self, work: fn(&mut BaseCells, &Delta)) {
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
    /// A cell that the transaction wrote and that nobody has written since returns to what would
    /// stand there without it. What a later transaction derived from it stays: a counter's cell
    /// contains all earlier counts. `None` if the transaction is not here.
    ///
    /// O(cells of all transactions). While the [state before](Rejected::before) is kept, it costs a
    /// copy of the state.
    ///
    /// Do not call it for a transaction that was rejected for its timestamp, which the relay does
    /// not record. That one stays queued and can be [restamped](Outbox::restamp).
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

    /// What to send next to a relay that contains `relay`: the first of the transactions that it
    /// lacks, of the replicas that are `mine` to send for. Before them, where the relay lacks
    /// something that is in no transaction, a delta of that for each replica: of those that no
    /// relay was ever known to have, as before there was one, and of mine, which it may have lost
    /// with its disk. O(transactions that were sent and have no answer), and of such deltas.
    ///
    /// # Errors
    ///
    /// [`Error::is_snapshot_needed`] where such a delta cannot be made, since removals were
    /// forgotten of somebody of whom the relay has something.
    pub fn pending<S: Root>(
        &self,
        doc: &Doc<S>,
        relay: &VersionVector,
        mine: impl Fn(ReplicaId) -> bool,
    ) -> Result<Vec<Delta>, Error> {
        let mut pending = Vec::new();
        if !relay.covers(doc.version()) {
            // Made for the first of them.
            let mut base = None;
            for (replica, upto) in self.version(doc).beyond(relay).iter() {
                if self.acknowledged.get(replica) < upto || mine(replica) {
                    let base = match &base {
                        Some(base) => base,
                        None => {
                            let mut known = self.base(doc);
                            // A relay that lost its disk lacks what was removed as well as the
                            // removals.
                            let horizon = known.horizon.iter();
                            let horizon = horizon.filter(|(id, _)| relay.get(*id) > Time::ZERO);
                            known.horizon = horizon.collect();
                            base.insert(known.delta_since(relay)?)
                        }
                    };
                    let after = VersionVector::of(replica, relay.get(replica));
                    let upto = VersionVector::of(replica, upto);
                    pending.push(copy(base, after, upto, &|cell| {
                        (cell.stamp.replica == replica).then_some(cell)
                    })?);
                }
            }
        }
        for delta in &self.transactions {
            let is_mine = stamp(delta).is_none_or(|stamp| mine(stamp.replica));
            if is_mine && !relay.covers(delta.upto()) && pending.len() < PENDING {
                pending.push(delta.clone());
            }
        }
        Ok(pending)
    }

    /// The document as it would be without the transactions that are not acknowledged: what a
    /// storage keeps as a snapshot, with these beside it. O(cells).
    pub fn base<S: Root>(&self, doc: &Doc<S>) -> Doc<S> {
        let mut base = doc.fork(doc.replica());
        // Otherwise it shares its cells with the document.
        if !self.base_cells.cells().is_empty() {
            base.put(self.base_cells.cells());
        }
        let version = self.version(doc);
        for (replica, _) in doc.version().beyond(&version).iter() {
            base.rewind(replica, version.get(replica));
        }
        base
    }

    /// Joins what another copy has, and what is neither a transaction to keep nor the relay's word;
    /// see [`Doc::apply`]. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// As for [`Doc::apply`]; nothing has changed then.
    pub fn apply<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        let changes = doc.apply(delta)?;
        // Cells that lose to an unacknowledged one are part of the base.
        self.base_cells.join(delta.cells());
        Ok(changes)
    }

    /// Puts the cells at the paths of `cells`, which would stand there without the transactions
    /// that are here, to what stands there with them. O(cells of all transactions).
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

/// Transactions that are given at once to be sent: few, since whoever sends them asks again for
/// more.
const PENDING: usize = 32;
