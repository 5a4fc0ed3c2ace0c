use leptos_sync_core::{Delta, Time, VersionVector, limits};

use super::DocumentState;
use crate::error::Error;

/// The metadata of a document, without its cells.
///
/// It decides which deltas the document accepts and which operations a replica lacks. The rules are
/// those of the core's `Doc`, and the conformance suite checks that both agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: VersionVector,
    pub(crate) horizon: VersionVector,
    pub(crate) floor: Time,
    /// The greatest time of each replica, over its cells and the version. It exceeds the version
    /// only if a sender's saved data was damaged.
    pub(crate) present: VersionVector,
}

/// The data that brings a replica up to date.
pub(crate) enum Reach {
    /// The cells beyond its version, as a delta between these versions.
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

    /// Rejects a delta that cannot be joined. O(cells).
    pub(crate) fn check(&self, delta: &Delta) -> Result<(), Error> {
        if !self.version.covers(delta.after()) {
            return Err(Error::gap(
                "a delta follows operations that are missing here; send the missing operations first",
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
                "an operation is older than the tombstones that this log keeps; repeat it with a new stamp",
            ));
        }
        Ok(())
    }

    /// Records that a delta was joined.
    pub(crate) fn take(&mut self, delta: &Delta) {
        self.version.join(delta.upto());
        self.present.join(delta.upto());
        self.present.join(delta.cells_upto());
    }

    /// Records operations that have no cells.
    pub(crate) fn claim(&mut self, upto: &VersionVector) -> Result<(), Error> {
        self.check_replicas(&[upto])?;
        self.version.join(upto);
        self.present.join(upto);
        Ok(())
    }

    /// Raises the floor, and raises the horizon to all operations below the floor that the document
    /// contains. Tombstones within the horizon can then be removed.
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

    /// Returns the data that a replica at `version` needs.
    pub(crate) fn reach(&self, version: &VersionVector) -> Reach {
        if !version.covers(&self.horizon) {
            return Reach::Snapshot;
        }
        let upto = self.version.beyond(version);
        let after = self.taken_for_granted(version, &upto);
        Reach::Delta { after, upto }
    }

    /// Returns the operations on which a delta from `version` to `upto` relies.
    ///
    /// The delta omits cells that the receiver has. Such a cell may have replaced an operation that
    /// is not later than `upto`, and is itself later than that operation. So the delta does not
    /// rely on times before its first operation.
    fn taken_for_granted(&self, version: &VersionVector, upto: &VersionVector) -> VersionVector {
        let starts = upto.iter().map(|(replica, _)| version.get(replica));
        let first = starts.min().unwrap_or(Time::new(u64::MAX));
        self.version
            .iter()
            .map(|(replica, time)| (replica, time.min(version.get(replica))))
            .filter(|&(replica, time)| time > first || upto.get(replica) > Time::ZERO)
            .collect()
    }

    /// Rejects operations of more replicas than a message may contain. A document with more could
    /// not be sent.
    fn check_replicas(&self, more: &[&VersionVector]) -> Result<(), Error> {
        let count: usize = more.iter().map(|version| version.len()).sum();
        if self.present.len() + count <= limits::REPLICAS {
            return Ok(());
        }
        let mut all = self.present.clone();
        more.iter().for_each(|version| all.join(version));
        if all.len() > limits::REPLICAS {
            return Err(Error::limit(
                "too many replicas have written this document; copy its state into a new document",
            ));
        }
        Ok(())
    }
}
