use super::exchange::Exchange;
use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter},
    crdt::{Changes, Count, Quarantine},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{CellRange, IdHead, RelayState, Sequence},
    id::ReplicaId,
    limits,
    order::heap_sort,
    path::{Path, PathBuf},
};

/// A comparison of all cells with the relay's, range by range in path order.
#[derive(Clone)]
pub(super) struct Comparison {
    /// The paths of the document when the comparison began, in order. Between the ranges, the base
    /// does not change.
    paths: Vec<PathBuf>,
    /// The number of paths that were compared.
    compared: usize,
    /// The last path that was compared.
    pub(super) after: Option<PathBuf>,
    /// Whether all ranges were compared.
    pub(super) is_over: bool,
    /// Whether the relay has rejected an offer, so that the comparison has to be repeated.
    pub(super) has_rejected_offers: bool,
}

impl Comparison {
    /// Creates a comparison of a document's cells. O(n log n) in the number of cells; takes memory
    /// for their paths.
    pub(super) fn new(doc: &dyn DocCells) -> Result<Self, Error> {
        let mut out = CellWriter::without_values();
        let cells = Patch::write(&mut out, Time::ZERO, |out| {
            doc.write_unpacked(out);
            doc.packed().write_cells(&Default::default(), out);
        })?;
        let mut paths = Vec::with_capacity(cells.len());
        let mut add = |parent: Path<'_>, cell: CellRef<'_>| paths.push(cell.path(parent));
        cells.cells().for_each(&mut add);
        heap_sort(&mut paths, |one, two| one < two);
        Ok(Self {
            paths,
            compared: 0,
            after: None,
            is_over: false,
            has_rejected_offers: false,
        })
    }

    /// Returns the document's paths in the range that ends at `upto`, and counts them as compared.
    fn next(&mut self, upto: Option<&PathBuf>) -> Vec<PathBuf> {
        let rest = self.paths.get(self.compared..).unwrap_or_default();
        let count = match upto {
            Some(upto) => rest.partition_point(|path| path <= upto),
            None => rest.len(),
        };
        let range = rest.get(..count).unwrap_or_default().to_vec();
        self.compared += count;
        self.after = upto.cloned();
        self.is_over = upto.is_none();
        range
    }

    /// Returns whether a path is after those that were compared.
    fn is_next(&self, path: &PathBuf) -> bool {
        self.after.as_ref().is_none_or(|after| path > after)
    }
}

/// The result of comparing a range.
#[derive(Debug, Default)]
pub struct RangeDifference {
    /// The changes of the document.
    pub changes: Changes,
    /// The cells that the relay lacks, or of which it has older ones.
    pub offers: Vec<Patch>,
}

/// What a range changes.
#[derive(Default)]
struct Difference {
    /// The base cells that become older or are removed.
    older: Quarantine,
    offers: Quarantine,
}

impl Exchange {
    /// Compares a range of the relay's cells with the base, which becomes equal to it, except for
    /// the offers.
    pub(super) fn range(
        &mut self,
        doc: &mut dyn DocCells,
        range: &CellRange,
    ) -> Result<RangeDifference, Error> {
        self.note(&range.state);
        let (difference, latest) = self.difference(doc, range)?;
        let mut changes = self.join_base(doc, &range.cells);
        changes.append(self.put_base(doc, &difference.older));
        self.base_latest = self.base_latest.max(range.cells.latest());
        let mut offers = Vec::new();
        if !difference.offers.is_empty() {
            offers = Patch::collect_parts(latest, limits::PAGE_BYTES, |out| {
                difference.offers.write_cells(&Default::default(), out);
            })?;
        }
        Ok(RangeDifference { changes, offers })
    }

    /// Decides about each path of a range.
    fn difference(
        &mut self,
        doc: &dyn DocCells,
        range: &CellRange,
    ) -> Result<(Difference, Time), Error> {
        let complete = self.progress.complete;
        let Some(session) = &mut self.session else {
            return Err(not_comparing());
        };
        let (point, diverged, floor) = (session.point, session.diverged, session.floor);
        let Some(comparison) = &mut session.comparison else {
            return Err(not_comparing());
        };
        let (mut theirs, mut inside) = (Quarantine::default(), true);
        let mut found = Difference::default();
        let mut latest = Time::ZERO;
        let mut sequences = range.sequences.iter();
        let mut value = Vec::new();
        range.cells.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            inside &= comparison.is_next(&path);
            inside &= range.upto.as_ref().is_none_or(|upto| path <= *upto);
            let Some(&sequence) = sequences.next() else {
                return inside = false;
            };
            let ours = base_cell(&self.base, doc, &path, &mut value);
            let infers = ours.is_none() && diverged && sequence <= point && complete >= point;
            if infers && cell.value.is_some() && !is_counter(&path, cell) {
                // All replicas that infer the removal give it the same stamp.
                let stamp = Stamp::new(cell.stamp.time.next(), cell.stamp.replica);
                latest = latest.max(stamp.time);
                found.offers.put(path.clone(), stamp, None, None);
            }
            theirs.put(path, cell.stamp, cell.value, None);
        });
        if !inside || sequences.next().is_some() {
            return Err(Error::corrupt("a range contains a cell outside its bounds"));
        }
        for path in comparison.next(range.upto.as_ref()) {
            let Some(ours) = base_cell(&self.base, doc, &path, &mut value) else {
                continue;
            };
            let relay = theirs.get(&path).map(|held| (held.stamp, held.value));
            if relay.is_some_and(|relay| (ours.stamp, ours.value) <= relay) {
                continue;
            }
            let is_worth = relay.is_some() || ours.value.is_some() || ours.stamp.time >= floor;
            if diverged && is_worth {
                latest = latest.max(ours.stamp.time);
                found.offers.put(path, ours.stamp, ours.value, None);
            } else {
                let (stamp, value) = relay.unwrap_or_default();
                found.older.put(path, stamp, value, None);
            }
        }
        Ok((found, latest))
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
            self.compared = Some(progress.clone());
            progress.epochs = epochs;
            progress.cursor.witness = session.state.witness;
        }
        progress.cursor.position = session.head;
        progress.comparing = false;
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

/// Returns whether a cell that the base lacks belongs to a counter. Counter cells are never
/// removed.
fn is_counter(path: &PathBuf, cell: CellRef<'_>) -> bool {
    Count::is_likely(path.as_path(), cell.stamp, cell.value)
}

fn not_comparing() -> Error {
    Error::corrupt("a range was received, but the document is not being compared")
}
