//! What a document holds that its relay has not acknowledged.

mod below;
mod restamp;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use self::below::Below;
use super::{Doc, Transaction, Tx};
use crate::{
    clock::Stamp,
    crdt::{Changes, Root},
    delta::{Delta, Snapshot},
    error::Error,
    path::PathBuf,
    version::VersionVector,
};

pub use restamp::Restamped;

/// The transactions of one document that its relay has not acknowledged, and what would stand there without them.
///
/// A document that is exchanged with a relay is edited and brought up to date through its outbox: by
/// [`transact`](Outbox::transact) here, [`take`](Outbox::take) for what its own storage or another tab tells,
/// [`receive`](Outbox::receive) for what the relay tells. So each transaction can be [taken back](Outbox::reject) when
/// the relay refuses it, and [stamped anew](Outbox::restamp) when a clock was wrong. It does no IO and keeps the order in which
/// the transactions came.
///
/// It costs, for each cell that an unacknowledged transaction wrote, its path and the value below it.
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
    transactions: VecDeque<Delta>,
    below: Below,
    acknowledged: VersionVector,
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

    /// An outbox of a relay that is known to contain `acknowledged`: what was kept of an earlier one.
    pub fn resume(acknowledged: VersionVector) -> Self {
        Self {
            acknowledged,
            ..Self::default()
        }
    }

    /// What the relay is known to contain, or to have refused for good.
    pub fn acknowledged(&self) -> &VersionVector {
        &self.acknowledged
    }

    /// The transactions that are not acknowledged, in the order in which they came.
    pub fn transactions(&self) -> impl ExactSizeIterator<Item = &Delta> {
        self.transactions.iter()
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
    /// As for [`Doc::transact`]; nothing has changed then.
    pub fn transact<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        edit: impl FnOnce(&mut Tx<'_, S>),
    ) -> Result<Transaction, Error> {
        let done = doc.transact_noting(edit, &mut self.below)?;
        if !done.delta.is_empty() {
            self.transactions.push_back(done.delta.clone());
        }
        Ok(done)
    }

    /// Joins a transaction that the relay may not have, from another tab. One that is acknowledged is joined and not kept; one
    /// that is here already changes nothing. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// As for [`Doc::apply`]; nothing has changed then.
    pub fn take<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        self.take_by(doc, delta, |doc| doc.apply(delta))
    }

    /// Joins a transaction from the document's own storage: as [`take`](Outbox::take), but it may be of the document's own
    /// replica, and it is not asked how far ahead of the wall clock it is.
    ///
    /// # Errors
    ///
    /// [`Error::is_gap`] when operations before it are missing; nothing has changed then.
    pub fn load<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        self.take_by(doc, delta, |doc| doc.apply_own(delta))
    }

    fn take_by<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        delta: &Delta,
        apply: impl FnOnce(&mut Doc<S>) -> Result<Changes, Error>,
    ) -> Result<Changes, Error> {
        if self.acknowledged.covers(delta.upto()) {
            let changes = apply(doc)?;
            self.below.join(delta.cells());
            return Ok(changes);
        }
        if doc.version().covers(delta.upto()) {
            return Ok(Changes::new());
        }
        let mut value = Vec::new();
        let before = delta.cells().paths().map(|path| {
            let cell = doc.cell_at(&path, &mut value);
            let cell = cell.map(below::kept);
            (path, cell)
        });
        let before: Vec<_> = before.collect();
        let changes = apply(doc)?;
        for (path, cell) in before {
            self.below.cover(path, cell);
        }
        self.transactions.push_back(delta.clone());
        Ok(changes)
    }

    /// Joins what the relay sent. What it contains is acknowledged. O(cells of the delta).
    ///
    /// # Errors
    ///
    /// As for [`Doc::apply`]; nothing has changed then.
    pub fn receive<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        let changes = self.join(doc, delta)?;
        self.acknowledge(delta.upto());
        Ok(changes)
    }

    /// Joins the relay's whole state; see [`Doc::merge_snapshot`]. What it contains is acknowledged. O(cells of both).
    ///
    /// # Errors
    ///
    /// As for [`Doc::merge_snapshot`]; nothing has changed then.
    pub fn receive_snapshot<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        parts: &[Snapshot],
    ) -> Result<Changes, Error> {
        let changes = doc.merge_snapshot_parts(parts)?;
        for part in parts {
            self.below.join(part.cells());
        }
        if let Some(part) = parts.last() {
            self.below.forget(part.version(), parts);
            self.acknowledge(part.version());
        }
        Ok(changes)
    }

    /// Takes note that the relay contains everything up to there. O(cells of the transactions that this is about).
    pub fn acknowledge(&mut self, upto: &VersionVector) {
        self.acknowledged.join(upto);
        let (acknowledged, below) = (&self.acknowledged, &mut self.below);
        self.transactions.retain(|delta| {
            let done = acknowledged.covers(delta.upto());
            if done {
                below.settle(delta);
            }
            !done
        });
    }

    /// Takes the transaction back that leads to the version `upto`: where a cell is still the one that it wrote, the one
    /// that would stand there without it returns. The relay is then known to have refused it for good. Returns the
    /// transaction and what changed; `None` if it is not here. O(its cells), and a look at all transactions for each
    /// of its cells that an earlier one wrote too.
    ///
    /// What a later transaction was written in view of it stays: a counter's cell has what all before it has counted.
    pub fn reject<S: Root>(
        &mut self,
        doc: &mut Doc<S>,
        upto: &VersionVector,
    ) -> Option<(Delta, Changes)> {
        self.acknowledged.join(upto);
        let at = self
            .transactions
            .iter()
            .position(|delta| delta.upto() == upto)?;
        let rejected = self.transactions.remove(at)?;
        let written = stamp(&rejected);
        let mut paths = Vec::new();
        let mut value = Vec::new();
        for path in rejected.cells().paths() {
            let still = doc.cell_at(&path, &mut value).map(|cell| cell.stamp);
            if still == written {
                paths.push(path);
            }
        }
        let changes = self.restore(doc, &paths);
        for path in rejected.cells().paths() {
            self.below.uncover(&path);
        }
        Some((rejected, changes))
    }

    /// The document as it would be without the transactions that are not acknowledged: what a storage keeps as a
    /// snapshot, with these beside it. O(cells).
    pub fn base<S: Root>(&self, doc: &Doc<S>) -> Doc<S> {
        let mut base = doc.fork(doc.replica());
        let paths: Vec<_> = self.below.paths().cloned().collect();
        base.put(&paths, |path| self.below.get(path));
        for delta in &self.transactions {
            if let Some(stamp) = stamp(delta) {
                let before = delta.after().get(stamp.replica);
                if before < base.version().get(stamp.replica) {
                    base.rewind(stamp.replica, before);
                }
            }
        }
        base
    }

    /// Joins cells that the relay has. Those that lose to an unacknowledged one are what would stand below it.
    fn join<S: Root>(&mut self, doc: &mut Doc<S>, delta: &Delta) -> Result<Changes, Error> {
        let changes = doc.apply(delta)?;
        self.below.join(delta.cells());
        Ok(changes)
    }

    /// Puts the cells at `paths` to what stands there by the transactions that are here.
    fn restore<S: Root>(&self, doc: &mut Doc<S>, paths: &[PathBuf]) -> Changes {
        let written = self.written(paths);
        doc.put(paths, |path| {
            let below = self.below.get(path);
            below.max(written.get(path).copied())
        })
    }
}

/// A cell without its path.
type Cell<'a> = (Stamp, Option<&'a [u8]>);

impl Outbox {
    /// The last of the cells that the transactions wrote at each of `paths`, where one did.
    fn written(&self, paths: &[PathBuf]) -> BTreeMap<PathBuf, Cell<'_>> {
        let mut written = BTreeMap::new();
        let covered = paths.iter().filter(|path| self.below.writers(path) > 0);
        let covered: BTreeSet<_> = covered.collect();
        if covered.is_empty() {
            return written;
        }
        for delta in &self.transactions {
            for group in delta.cells().groups() {
                for cell in group.cells() {
                    let path = cell.path(group.parent());
                    if covered.contains(&path) {
                        let cell = (cell.stamp, cell.value);
                        let last = written.entry(path).or_insert(cell);
                        *last = cell.max(*last);
                    }
                }
            }
        }
        written
    }
}
