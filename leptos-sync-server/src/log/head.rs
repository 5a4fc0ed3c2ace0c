use leptos_sync_core::{Delta, Time, VersionVector, limits};

use super::DocumentState;
use crate::error::Error;

/// What is known of a document without its cells, and what follows from it: which deltas it takes, and what somebody lacks.
///
/// The rules are those of the core's `Doc`; the conformance suite holds them against it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: VersionVector,
    pub(crate) horizon: VersionVector,
    pub(crate) floor: Time,
    /// The greatest time of each replica's cells and of the version. It exceeds the version only where a sender's saved data
    /// were damaged.
    pub(crate) present: VersionVector,
}

/// What brings somebody up to date.
pub(crate) enum Reach {
    /// The cells beyond the version, as a delta between these.
    Delta {
        after: VersionVector,
        upto: VersionVector,
    },
    Snapshot,
}

impl Head {
    pub(crate) fn state(&self) -> DocumentState {
        DocumentState {
            version: self.version.clone(),
            horizon: self.horizon.clone(),
            floor: self.floor,
        }
    }

    /// Refuses a delta that cannot be joined. O(cells).
    pub(crate) fn check(&self, delta: &Delta) -> Result<(), Error> {
        if !self.version.covers(delta.after()) {
            return Err(Error::gap(
                "a delta starts after operations that are missing here; send what lies between first",
            ));
        }
        self.check_replicas(&[delta.upto(), delta.cells_upto()])?;
        if self.floor == Time::ZERO {
            return Ok(());
        }
        let cells = delta.cells().groups().flat_map(|group| group.cells());
        let mut fresh = cells.filter(|cell| !self.version.contains(cell.stamp));
        if fresh.any(|cell| cell.stamp.time < self.floor) {
            return Err(Error::stale(
                "an operation is older than the tombstones that are kept; make it again with a new stamp",
            ));
        }
        Ok(())
    }

    /// Takes note that a delta was joined.
    pub(crate) fn take(&mut self, delta: &Delta) {
        self.version.join(delta.upto());
        self.present.join(delta.upto());
        self.present.join(delta.cells_upto());
    }

    /// Takes note of operations that come with no cell.
    pub(crate) fn claim(&mut self, upto: &VersionVector) -> Result<(), Error> {
        self.check_replicas(&[upto])?;
        self.version.join(upto);
        self.present.join(upto);
        Ok(())
    }

    /// Raises the floor, and the horizon to what the version contains below it. Tombstones within the horizon may go.
    pub(crate) fn forget(&mut self, before: Time) {
        if before <= self.floor {
            return;
        }
        let last = Time::new(before.get() - 1);
        let stable = self.version.iter();
        let stable = stable.map(|(replica, time)| (replica, time.min(last)));
        self.horizon.join(&stable.collect());
        self.floor = before;
    }

    /// What somebody at `version` needs.
    pub(crate) fn reach(&self, version: &VersionVector) -> Reach {
        if !version.covers(&self.horizon) {
            return Reach::Snapshot;
        }
        let upto = self.version.beyond(version);
        let after = self.taken_for_granted(version, &upto);
        Reach::Delta { after, upto }
    }

    /// What a delta from `version` to `upto` relies on: also the cells that are left out as known and that took the place of
    /// operations up to `upto`. They are later than those, so an earlier time is not relied on.
    fn taken_for_granted(&self, version: &VersionVector, upto: &VersionVector) -> VersionVector {
        let starts = upto.iter().map(|(replica, _)| version.get(replica));
        let first = starts.min().unwrap_or(Time::new(u64::MAX));
        self.version
            .iter()
            .map(|(replica, time)| (replica, time.min(version.get(replica))))
            .filter(|&(replica, time)| time > first || upto.get(replica) > Time::ZERO)
            .collect()
    }

    /// Refuses operations of more replicas than a message may name: the document could not be sent any more.
    fn check_replicas(&self, more: &[&VersionVector]) -> Result<(), Error> {
        let count: usize = more.iter().map(|version| version.len()).sum();
        if self.present.len() + count <= limits::REPLICAS {
            return Ok(());
        }
        let mut all = self.present.clone();
        more.iter().for_each(|version| all.join(version));
        if all.len() > limits::REPLICAS {
            return Err(Error::limit(
                "too many replicas have written this document; start a new one from its state",
            ));
        }
        Ok(())
    }
}
