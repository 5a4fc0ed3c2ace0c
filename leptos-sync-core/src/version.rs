use std::{cmp::Ordering, fmt};

use crate::{
    clock::{Stamp, Time},
    id::ReplicaId,
};

/// Which operations are contained: for each replica, all of them up to a time.
///
/// Kept sorted by replica in one vector, since documents have tens of replicas: look-up is O(log n), a join O(n + m).
/// An absent replica stands at [`Time::ZERO`]. It does not know the operations themselves.
#[derive(Clone, PartialEq, Eq, Default, Hash)]
pub struct VersionVector(Vec<(ReplicaId, Time)>);

impl VersionVector {
    /// The version that contains nothing.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The version that contains `replica`'s operations up to `time`.
    pub fn of(replica: ReplicaId, time: Time) -> Self {
        let mut version = Self::new();
        version.include(replica, time);
        version
    }

    /// Up to when `replica`'s operations are contained.
    pub fn get(&self, replica: ReplicaId) -> Time {
        match self.position(replica) {
            Ok(at) => self.0.get(at).map_or(Time::ZERO, |entry| entry.1),
            Err(_) => Time::ZERO,
        }
    }

    /// Whether the operation at `stamp` is contained.
    pub fn contains(&self, stamp: Stamp) -> bool {
        stamp.time <= self.get(stamp.replica)
    }

    /// Whether everything that `other` contains is contained.
    pub fn covers(&self, other: &Self) -> bool {
        other
            .iter()
            .all(|(replica, time)| time <= self.get(replica))
    }

    /// Extends the version to `replica`'s operations up to `time`; an earlier time changes nothing.
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

    /// The least version that covers both.
    pub fn join(&mut self, other: &Self) {
        if self.is_empty() {
            return self.0.clone_from(&other.0);
        }
        let mut new = 0;
        for &(replica, time) in &other.0 {
            match self.position(replica) {
                Ok(_) => self.include(replica, time),
                Err(_) => new += 1,
            }
        }
        if new == 0 {
            return;
        }
        // All at once: one at a time would cost the square of their number.
        let ours = std::mem::take(&mut self.0);
        self.0.reserve(ours.len() + new);
        let mut at = 0;
        for entry in ours {
            while let Some(theirs) = other.0.get(at)
                && theirs.0 <= entry.0
            {
                if theirs.0 < entry.0 {
                    self.0.push(*theirs);
                }
                at += 1;
            }
            self.0.push(entry);
        }
        let rest = other.0.get(at..).unwrap_or_default();
        self.0.extend_from_slice(rest);
    }

    /// Each replica with its time, in the order of ids.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (ReplicaId, Time)> + '_ {
        self.0.iter().copied()
    }

    /// How many replicas have an operation here.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is contained.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The greatest time of all replicas.
    pub fn latest(&self) -> Time {
        self.iter().map(|(_, time)| time).max().unwrap_or_default()
    }

    /// The replicas for which this version goes beyond `other`, with this version's times.
    pub fn beyond(&self, other: &Self) -> Self {
        self.iter()
            .filter(|&(replica, time)| time > other.get(replica))
            .collect()
    }

    /// The version of these entries, which are sorted; of several for one replica, the last counts. Allocates nothing.
    pub(crate) fn from_sorted(mut entries: Vec<(ReplicaId, Time)>) -> Self {
        entries.reverse();
        entries.dedup_by_key(|entry| entry.0);
        entries.reverse();
        Self(entries)
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
    /// `None` where each contains something the other lacks.
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
            prop_assert!(joined.beyond(&a).iter().all(|(replica, time)| b.get(replica) == time));
        }
    }
}
