use super::{
    exchange::Exchange,
    path_steps::PathSteps,
    pending::{is_count, map_cells},
};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Changes, Count, Quarantine},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{CellRange, IdHead, RelayState, Sequence},
    id::ReplicaId,
    limits,
    path::PathBuf,
};

/// A comparison of all cells with the relay's, range by range in path order.
///
/// A range is compared only up to a number of the document's paths, so that neither its work nor
/// the offers to which it leads delay the page for long. The relay then sends the rest of the range
/// again.
#[derive(Clone)]
pub(super) struct Comparison {
    /// The paths of the document when the comparison began. Between the ranges, the base does not
    /// change.
    paths: PathSteps,
    /// The last path that was compared.
    pub(super) after: Option<PathBuf>,
    /// Whether all ranges were compared.
    pub(super) is_over: bool,
    /// Whether the relay has rejected an offer, so that the comparison has to be repeated.
    pub(super) has_rejected_offers: bool,
}

impl Comparison {
    /// Creates a comparison of a document's cells, at most `most` at a time. O(cells); takes memory
    /// for their keys.
    pub(super) fn new(doc: &dyn DocCells, most: usize) -> Result<Self, Error> {
        Ok(Self {
            paths: PathSteps::new(doc, most)?,
            after: None,
            is_over: false,
            has_rejected_offers: false,
        })
    }

    /// Returns the document's paths in the range that ends at `upto`, or the first ones if there
    /// are many, and counts them as compared.
    fn next(&mut self, upto: Option<&PathBuf>) -> Vec<PathBuf> {
        let (paths, after) = self.paths.next(self.after.as_ref(), upto);
        self.is_over = after.is_none();
        self.after = after;
        paths
    }

    /// Returns whether a path is after those that were compared.
    fn is_after(&self, path: &PathBuf) -> bool {
        !self.is_over && self.after.as_ref().is_none_or(|after| path > after)
    }
}

/// The result of comparing a range.
#[derive(Debug, Default)]
pub struct RangeDifference {
    /// The changes of the document.
    pub changes: Changes,
    /// The cells that the relay lacks or has in an older version.
    pub offers: Vec<Patch>,
}

/// What a range changes.
#[derive(Default)]
struct Difference {
    /// The base cells that become older, are removed, or get a count of which the relay has less.
    replaced: Quarantine,
    offers: Quarantine,
    /// The latest time of the offers.
    latest: Time,
    /// The cells that were compared, if they are not all of the range.
    cells: Option<Patch>,
}

impl Difference {
    /// Offers the greater count, if the later one is smaller and the relay takes its time. The base
    /// has it from now on, so that it is offered again if this offer is lost.
    fn offers_count(
        &mut self,
        doc: &dyn DocCells,
        path: &PathBuf,
        ours: &BaseCell<'_>,
        relay: (Stamp, Option<&[u8]>),
        latest: Time,
    ) -> bool {
        let joined = joined_counts(doc, path, ours, relay);
        let Some((stamp, count)) = joined.filter(|(stamp, _)| stamp.time <= latest) else {
            return false;
        };
        self.latest = self.latest.max(stamp.time);
        self.replaced.put(path.clone(), stamp, Some(&count), None);
        self.offers.put(path.clone(), stamp, Some(&count), None);
        true
    }
}

impl Exchange {
    /// Compares a range of the relay's cells with the base, and updates the base to match the
    /// range, except for the cells to offer. If the base has many cells there, compares the first
    /// part of the range.
    pub(super) fn range(
        &mut self,
        doc: &mut dyn DocCells,
        range: &CellRange,
    ) -> Result<RangeDifference, Error> {
        self.note(&range.state);
        let difference = self.difference(doc, range)?;
        let cells = difference.cells.as_ref().unwrap_or(&range.cells);
        let mut changes = self.join_base(doc, cells);
        changes.append(self.put_base(doc, &difference.replaced));
        let latest = cells.latest().max(difference.latest);
        self.base_latest = self.base_latest.max(latest);
        let mut offers = Vec::new();
        if !difference.offers.is_empty() {
            offers = Patch::collect_parts(difference.latest, limits::PAGE_BYTES, |out| {
                difference.offers.write_cells(&Default::default(), out);
            })?;
        }
        Ok(RangeDifference { changes, offers })
    }

    /// Decides about each path of a range, or of its first part.
    fn difference(&mut self, doc: &dyn DocCells, range: &CellRange) -> Result<Difference, Error> {
        let (complete, latest) = (self.progress.complete, self.latest_to_offer(&range.state));
        let Some(session) = &mut self.session else {
            return Err(not_comparing());
        };
        let (point, diverged, floor) = (session.point, session.diverged, session.floor);
        let Some(comparison) = &mut session.comparison else {
            return Err(not_comparing());
        };
        let before = comparison.after.clone();
        let paths = comparison.next(range.upto.as_ref());
        let (mut theirs, mut inside) = (Quarantine::default(), true);
        let mut found = Difference::default();
        let mut sequences = range.sequences.iter();
        let (mut value, mut is_cut) = (Vec::new(), false);
        range.cells.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            inside &= before.as_ref().is_none_or(|before| path > *before);
            inside &= range.upto.as_ref().is_none_or(|upto| path <= *upto);
            let Some(&sequence) = sequences.next() else {
                return inside = false;
            };
            if comparison.is_after(&path) {
                return is_cut = true;
            }
            let ours = base_cell(&self.base, doc, &path, &mut value);
            let infers = ours.is_none() && diverged && sequence <= point && complete >= point;
            if infers && cell.value.is_some() && !is_counter(&path, cell) {
                // All replicas that infer the removal give it the same stamp.
                let stamp = Stamp::new(cell.stamp.time.next(), cell.stamp.replica);
                found.latest = found.latest.max(stamp.time);
                found.offers.put(path.clone(), stamp, None, None);
            }
            theirs.put(path, cell.stamp, cell.value, None);
        });
        if !inside || sequences.next().is_some() {
            return Err(Error::corrupt("a range contains a cell outside its bounds"));
        }
        if is_cut {
            let time = range.cells.latest();
            found.cells = Some(map_cells(&range.cells, time, &mut |out, path, cell| {
                if !comparison.is_after(path) {
                    out.copy(cell);
                }
            })?);
        }
        for path in paths {
            let Some(ours) = base_cell(&self.base, doc, &path, &mut value) else {
                continue;
            };
            let relay = theirs.get(&path).map(|held| (held.stamp, held.value));
            if let Some(relay) = relay.filter(|_| diverged)
                && found.offers_count(doc, &path, &ours, relay, latest)
            {
                continue;
            }
            if relay.is_some_and(|relay| (ours.stamp, ours.value) <= relay) {
                continue;
            }
            let is_worth = relay.is_some() || ours.value.is_some() || ours.stamp.time >= floor;
            if diverged && is_worth {
                found.latest = found.latest.max(ours.stamp.time);
                found.offers.put(path, ours.stamp, ours.value, None);
            } else {
                let (stamp, value) = relay.unwrap_or_default();
                found.replaced.put(path, stamp, value, None);
            }
        }
        Ok(found)
    }

    /// Returns the latest time of cells that the relay certainly takes.
    fn latest_to_offer(&self, state: &RelayState) -> Time {
        state.witness.latest.next().max(self.witness().latest)
    }

    /// Handles the answer to an offer. `all` is false if the relay has rejected a cell.
    pub(super) fn offered(&mut self, all: bool, state: RelayState) {
        self.note(&state);
        if let Some(comparison) = self.comparison() {
            comparison.has_rejected_offers |= !all;
        }
    }

    /// Handles the answer to the heads that were sent after the last range.
    pub(super) fn adopted(&mut self, heads: &[(ReplicaId, IdHead)], state: RelayState) {
        self.note(&state);
        if let Some(session) = &mut self.session {
            session.heads.put_all(heads);
            session.settles_at = state.head();
        }
    }

    /// Ends the comparison. Returns whether it was successful; otherwise it has to be repeated.
    pub(super) fn compared(&mut self) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        let ends = |comparison: &Comparison| comparison.is_over && !comparison.has_rejected_offers;
        if !session.comparison.as_ref().is_some_and(ends) {
            return false;
        }
        session.comparison = None;
        let progress = &mut self.progress;
        if let Some(epochs) = session.epochs.take() {
            self.compared.truncate(1);
            self.compared.push(progress.clone());
            progress.epochs = epochs;
            progress.cursor.witness = session.state.witness;
        }
        progress.cursor.position = session.head;
        progress.comparing = false;
        progress.must_compare = false;
        // Others may have written between two ranges, and offers come back in pages.
        progress.complete = Sequence::ZERO;
        self.rewrites += 1;
        // The base has what the relay has of these entries, which may be less: others may have
        // removed it since. So they are settled by the heads of their ids.
        for one in &mut self.entries {
            one.revision += u32::from(one.entry.stored.is_some());
            one.entry.stored = None;
        }
        true
    }

    fn comparison(&mut self) -> Option<&mut Comparison> {
        self.session.as_mut()?.comparison.as_mut()
    }
}

/// A cell of the base.
pub(super) struct BaseCell<'a> {
    pub(super) stamp: Stamp,
    pub(super) value: Option<&'a [u8]>,
}

/// Returns the base cell at `path`: that of the document, unless the outbox has written it.
pub(super) fn base_cell<'a>(
    base: &'a super::BaseCells,
    doc: &dyn DocCells,
    path: &PathBuf,
    value: &'a mut Vec<u8>,
) -> Option<BaseCell<'a>> {
    let (stamp, value) = match base.cells().get(path) {
        Some(held) => (held.stamp, held.value),
        None => {
            let cell = doc.cell(path, value)?;
            (cell.stamp, cell.value)
        }
    };
    (stamp != Stamp::default()).then_some(BaseCell { stamp, value })
}

/// Joins the count of the base with that of the relay, if the later one lacks a part of the other.
///
/// The counts of an id only grow. The later one is smaller if the relay was restored, and then got
/// an earlier entry at a later time: from a copy of the disk, or because its clock was wrong. All
/// replicas give the result the same stamp.
fn joined_counts(
    doc: &dyn DocCells,
    path: &PathBuf,
    ours: &BaseCell<'_>,
    relay: (Stamp, Option<&[u8]>),
) -> Option<(Stamp, Vec<u8>)> {
    let ours = (ours.stamp, ours.value);
    let (stamp, value) = ours.max(relay);
    let (_, key) = path.as_path().split_last()?;
    let cell = CellRef { key, stamp, value };
    if ours.1 == relay.1 || !is_count(doc, path, cell) {
        return None;
    }
    let later = Count::decode(value?)?;
    let joined = Count::decode(ours.1?)?.max(Count::decode(relay.1?)?);
    let stamp = Stamp::new(stamp.time.next(), stamp.replica);
    (joined != later).then(|| (stamp, joined.encode()))
}

/// Returns whether a cell that the base lacks belongs to a counter. Counter cells are never
/// removed.
fn is_counter(path: &PathBuf, cell: CellRef<'_>) -> bool {
    Count::is_likely(path.as_path(), cell.stamp, cell.value)
}

fn not_comparing() -> Error {
    Error::corrupt("a range was received, but the document is not being compared")
}
