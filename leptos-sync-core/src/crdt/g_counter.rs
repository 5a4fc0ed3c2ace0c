use super::{
    Applied, Crdt, Join, Root, Stable,
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

/// A grow-only counter. Concurrent increments are never lost.
///
/// Each replica counts in its own cell; the value is their sum. The counter cannot be decremented
/// or reset, and does not know when it was incremented. To decrement, use
/// [`PnCounter`](super::PnCounter).
///
/// ```
/// use leptos_sync_core::{Clock, GCounter, ReplicaId};
///
/// let (mut ada, mut bob) = (Clock::system(ReplicaId::new(1)), Clock::system(ReplicaId::new(2)));
/// let (mut at_ada, mut at_bob) = (GCounter::default(), GCounter::default());
/// at_ada.increment(2, ada.tick()?)?;
/// at_bob.increment(3, bob.tick()?)?;
/// at_ada.merge(&at_bob);
/// at_bob.merge(&at_ada);
/// assert_eq!((at_ada.value(), at_bob.value()), (5, 5));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct GCounter(PerReplica<u64>);

impl GCounter {
    /// Creates a counter at zero. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the sum of all replicas' counts, at most `u64::MAX`. O(replicas).
    pub fn value(&self) -> u64 {
        self.0.values().fold(0, u64::saturating_add)
    }

    /// Returns the count of one replica. O(log replicas).
    pub fn count_of(&self, replica: ReplicaId) -> u64 {
        self.0.get(replica).map_or(0, |(_, count)| count)
    }

    /// Adds `by` to the cell of the stamp's replica. O(1) if that replica wrote last.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if the replica's own count would exceed `u64::MAX`. On error, the
    /// counter is unchanged.
    #[inline]
    pub fn increment(&mut self, by: u64, stamp: Stamp) -> Result<(), Error> {
        self.0.update(stamp, |count| {
            count.checked_add(by).ok_or_else(|| Error::limit(FULL))
        })
    }

    /// Joins another copy. For each replica, the later count wins. O(replicas of both).
    pub fn merge(&mut self, other: &Self) {
        self.0.merge(&other.0);
    }

    pub(crate) fn old_cell(&self, replica: ReplicaId, value: &mut Vec<u8>) -> Option<SavedCell> {
        self.0.old_cell(replica, value)
    }
}

pub(super) const FULL: &str = "a replica's count exceeds the limit of 2^64 - 1";

impl PartialEq for GCounter {
    fn eq(&self, other: &Self) -> bool {
        self.0.same_cells(&other.0)
    }
}

impl Eq for GCounter {}

impl Root for GCounter {}

impl Crdt for GCounter {
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
