mod inline_vec;

use std::{cmp::Ordering, fmt};

use crate::{
    clock::{Stamp, Time},
    id::ReplicaId,
};

pub(crate) use inline_vec::InlineVec;

/// A version vector: a set of operations, which contains all operations of each replica up to a
/// time.
///
/// Entries are sorted by replica in one list, since documents have tens of replicas. A look-up is
/// O(log n), a join O(n + m log n). A version of one replica allocates nothing. The time of an
/// absent replica is [`Time::ZERO`]. The vector does not hold the operations themselves.
///
/// ```
/// use leptos_sync_core::{ReplicaId, Time, VersionVector};
///
/// let ada = VersionVector::of(ReplicaId::new(1), Time::new(5));
/// let bob = VersionVector::of(ReplicaId::new(2), Time::new(3));
/// assert_eq!(ada.partial_cmp(&bob), None, "each contains operations that the other lacks");
///
/// let mut both = ada.clone();
/// both.join(&bob);
/// assert!(both.covers(&ada) && both.covers(&bob));
/// ```
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct VersionVector(InlineVec<(ReplicaId, Time)>);

impl VersionVector {
    /// Creates the version that contains no operations.
    pub const fn new() -> Self {
        Self(InlineVec::new())
    }

    /// Creates the version that contains `replica`'s operations up to `time`.
    pub fn of(replica: ReplicaId, time: Time) -> Self {
        let mut version = Self::new();
        version.include(replica, time);
        version
    }

    /// Returns the time up to which this version contains the operations of `replica`.
    pub fn get(&self, replica: ReplicaId) -> Time {
        match self.position(replica) {
            Ok(at) => self.0.get(at).map_or(Time::ZERO, |entry| entry.1),
            Err(_) => Time::ZERO,
        }
    }

    /// Returns whether this version contains the operation at `stamp`.
    pub fn contains(&self, stamp: Stamp) -> bool {
        stamp.time <= self.get(stamp.replica)
    }

    /// Returns whether this version contains everything that `other` contains.
    pub fn covers(&self, other: &Self) -> bool {
        other
            .iter()
            .all(|(replica, time)| time <= self.get(replica))
    }

    /// Extends the version to `replica`'s operations up to `time`. An earlier time changes nothing.
    pub fn include(&mut self, replica: ReplicaId, time: Time) {
        match self.position(replica) {
            Ok(at) => {
                if let Some(entry) = self.0.get_mut(at) {
                    entry.1 = entry.1.max(time);
                }
            }
            Err(at) if time > Time::ZERO => self.0.insert(at, (replica, time)),
            Err(_) => {}
        }
    }

    /// Extends this version to the least version that covers both.
    pub fn join(&mut self, other: &Self) {
        for (replica, time) in other.iter() {
            let known = self.position(replica).ok();
            match known.and_then(|at| self.0.get_mut(at)) {
                Some(entry) => entry.1 = entry.1.max(time),
                None => return self.0 = self.merged(other),
            }
        }
    }

    /// Merges both in one pass. Inserting one entry at a time would be quadratic.
    fn merged(&self, other: &Self) -> InlineVec<(ReplicaId, Time)> {
        let mut merged = InlineVec::with_capacity(self.len() + other.len());
        let mut at = 0;
        for ours in self.iter() {
            while let Some(&theirs) = other.0.get(at)
                && theirs.0 <= ours.0
            {
                if theirs.0 < ours.0 {
                    merged.push(theirs);
                }
                at += 1;
            }
            merged.push((ours.0, ours.1.max(other.get(ours.0))));
        }
        let rest = other.0.get(at..).unwrap_or_default();
        rest.iter().for_each(|&entry| merged.push(entry));
        merged
    }

    /// Iterates over the replicas and their times, ordered by id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ReplicaId, Time)> + '_ {
        self.0.iter().copied()
    }

    /// Returns the number of replicas of which this version contains operations.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether this version contains no operations.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the greatest time of all replicas.
    pub fn latest(&self) -> Time {
        self.iter().map(|(_, time)| time).max().unwrap_or_default()
    }

    /// Returns the entries of this version that exceed `other`.
    pub fn difference(&self, other: &Self) -> Self {
        self.iter()
            .filter(|&(replica, time)| time > other.get(replica))
            .collect()
    }

    /// Creates a version from entries that are sorted by replica and distinct. Allocates nothing.
    pub(crate) fn from_sorted(entries: InlineVec<(ReplicaId, Time)>) -> Self {
        Self(entries)
    }

    /// Creates a version from entries in any order; the greatest time of a replica wins.
    ///
    /// O(n log n) if the entries are sorted, else O(n²). Sorting first would add code to every
    /// page.
    pub(crate) fn from_unsorted(entries: InlineVec<(ReplicaId, Time)>) -> Self {
        match entries {
            InlineVec::One((_, time)) if time > Time::ZERO => Self(entries),
            _ => entries.iter().copied().collect(),
        }
    }

    fn position(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.0.binary_search_by_key(&replica, |entry| entry.0)
    }
}

impl FromIterator<(ReplicaId, Time)> for VersionVector {
    fn from_iter<I: IntoIterator<Item = (ReplicaId, Time)>>(entries: I) -> Self {
        let mut version = Self::new();
        for (replica, time) in entries {
            version.include(replica, time);
        }
        version
    }
}

impl PartialOrd for VersionVector {
    /// Compares the contained operations. Returns `None` if each version contains operations that
    /// the other lacks.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        match (self.covers(other), other.covers(self)) {
            (true, true) => Some(Ordering::Equal),
            (true, false) => Some(Ordering::Greater),
            (false, true) => Some(Ordering::Less),
            (false, false) => None,
        }
    }
}

impl fmt::Debug for VersionVector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn version() -> impl Strategy<Value = VersionVector> {
        let entry = (0_u64..8, 1_u64..6);
        let entries = vec(entry, 0..8);
        entries.prop_map(|entries| {
            let entries = entries.into_iter();
            entries
                .map(|(replica, time)| (ReplicaId::new(replica), Time::new(time)))
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_join_is_the_least_version_that_covers_both(a in version(), b in version()) {
            let mut joined = a.clone();
            joined.join(&b);
            for replica in (0..8).map(ReplicaId::new) {
                prop_assert_eq!(joined.get(replica), a.get(replica).max(b.get(replica)));
            }
            prop_assert!(joined.0.is_sorted_by(|a, b| a.0 < b.0));
            prop_assert!(joined.difference(&a).iter().all(|(replica, time)| b.get(replica) == time));
        }
    }
}
