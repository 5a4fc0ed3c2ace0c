use super::{
    Applied, Crdt, Join, Root, Stable,
    g_counter::FULL,
    per_replica::PerReplica,
    traits::{OldCell, SavedCell},
};
use crate::{
    clock::Stamp,
    codec::{CellWriter, Group},
    error::Error,
    id::ReplicaId,
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// A counter that can be incremented and decremented. Concurrent changes are never lost.
///
/// Each replica stores its total increments and decrements in its own cell; the value is the
/// difference of the sums. The counter has no lower bound: for example, two replicas may
/// concurrently take the last item.
///
/// ```
/// use leptos_sync_core::{Clock, PnCounter, ReplicaId};
///
/// let (mut ada, mut bob) = (Clock::system(ReplicaId::new(1)), Clock::system(ReplicaId::new(2)));
/// let (mut at_ada, mut at_bob) = (PnCounter::default(), PnCounter::default());
/// at_ada.increment(2, ada.tick()?)?;
/// at_bob.decrement(3, bob.tick()?)?;
/// at_ada.merge(&at_bob);
/// at_bob.merge(&at_ada);
/// assert_eq!((at_ada.value(), at_bob.value()), (-1, -1));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct PnCounter(PerReplica<(u64, u64)>);

impl PnCounter {
    /// Creates a counter at zero. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the total increments minus the total decrements, clamped to `i64`. O(replicas).
    pub fn value(&self) -> i64 {
        let sum = self.0.values().fold(0_i128, |sum, (added, taken)| {
            sum + i128::from(added) - i128::from(taken)
        });
        i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
    }

    /// Adds `by` in the cell of the stamp's replica. O(1) if that replica wrote last.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the replica's total increments would exceed `u64::MAX`. On error, the
    /// counter is unchanged.
    #[inline]
    pub fn increment(&mut self, by: u64, stamp: Stamp) -> Result<(), Error> {
        self.0.update(stamp, |(added, taken)| {
            let added = added.checked_add(by).ok_or_else(|| Error::limit(FULL))?;
            Ok((added, taken))
        })
    }

    /// Subtracts `by` in the cell of the stamp's replica. O(1) if that replica wrote last.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the replica's total decrements would exceed `u64::MAX`. On error, the
    /// counter is unchanged.
    #[inline]
    pub fn decrement(&mut self, by: u64, stamp: Stamp) -> Result<(), Error> {
        self.0.update(stamp, |(added, taken)| {
            let taken = taken.checked_add(by).ok_or_else(|| Error::limit(FULL))?;
            Ok((added, taken))
        })
    }

    /// Joins another copy. For each replica, the later cell wins. O(replicas of both).
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    pub(crate) fn old_cell(&self, replica: ReplicaId, value: &mut Vec<u8>) -> Option<SavedCell> {
        self.0.old_cell(replica, value)
    }
}

impl PartialEq for PnCounter {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_cells(&other.0)
    }
}

impl Eq for PnCounter {}

impl Root for PnCounter {}

impl Crdt for PnCounter {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        self.0.write_cells(path, since, out);
    }

    fn write_stamped(&self, _: Segments<'_>, path: Path<'_>, stamp: Stamp, out: &mut CellWriter) {
        self.0.write_stamped(path, stamp, out);
    }

    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        self.0.apply_group(rest, group, out);
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        self.0.join(&other.0, join);
    }

    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        self.0.cell_at(rest, value)
    }

    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>) {
        self.0.restore(rest, old);
    }

    fn forget_tombstones(&mut self, _: Stable<'_>) {}

    fn assert_invariants(&self) {
        self.0.assert_invariants();
    }
}
