use std::mem;

use crate::{
    delta::{Delta, Snapshot},
    error::Error,
    limits,
    version::VersionVector,
};

/// The received parts of an incomplete delta.
#[derive(Default)]
pub(super) struct Parts {
    deltas: Vec<Delta>,
    bytes: usize,
}

impl Parts {
    /// Returns whether no parts are waiting.
    pub(super) fn is_empty(&self) -> bool {
        self.deltas.is_empty()
    }

    /// Returns the size of the waiting parts in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a part, while `others` bytes of other deltas are waiting.
    pub(super) fn add(&mut self, part: Delta, others: usize) -> Result<(), Error> {
        let bytes = self.bytes + of_delta(&part);
        check(others + bytes)?;
        self.check(&part)?;
        self.bytes = bytes;
        self.deltas.push(part);
        Ok(())
    }

    /// Adds the last part and returns the delta.
    pub(super) fn end(&mut self, last: Delta) -> Result<Delta, Error> {
        if self.is_empty() {
            return Ok(last);
        }
        self.check(&last)?;
        let Self { mut deltas, .. } = mem::take(self);
        deltas.push(last);
        Delta::of_parts(&deltas)
    }

    fn check(&self, part: &Delta) -> Result<(), Error> {
        match self.deltas.first() {
            Some(first) if first.after() != part.after() || first.upto() != part.upto() => {
                Err(Error::corrupt("the parts belong to different deltas"))
            }
            _ => Ok(()),
        }
    }
}

/// The received parts of an incomplete snapshot.
#[derive(Default)]
pub(super) struct SnapshotParts {
    parts: Vec<Snapshot>,
    bytes: usize,
}

impl SnapshotParts {
    /// Adds a part.
    pub(super) fn add(&mut self, part: Snapshot) -> Result<(), Error> {
        let versions = [part.version(), part.horizon()];
        self.bytes += bytes(part.bytes(), versions);
        check(self.bytes)?;
        self.parts.push(part);
        Ok(())
    }

    /// Returns all parts.
    pub(super) fn end(&mut self) -> Vec<Snapshot> {
        mem::take(self).parts
    }
}

/// Returns an upper bound for the size of a delta in a message and in memory. Even a delta without
/// cells takes some bytes.
pub(in crate::sync) fn of_delta(delta: &Delta) -> usize {
    bytes(delta.bytes(), [delta.after(), delta.upto()])
}

fn bytes(cells: usize, versions: [&VersionVector; 2]) -> usize {
    let entries: usize = versions.map(VersionVector::len).iter().sum();
    cells + 24 * entries + 64
}

fn check(bytes: usize) -> Result<(), Error> {
    if bytes > limits::PARTS_BYTES {
        return Err(Error::limit(
            "the parts of a message are too large in total",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_cells_are_bounded() {
        let mut deltas = Parts::default();
        let most = limits::PARTS_BYTES / 64;
        let taken = (0..=most).take_while(|_| deltas.add(Delta::default(), 0).is_ok());
        assert_eq!(taken.count(), most);
        assert!(deltas.add(Delta::default(), 0).unwrap_err().is_limit());

        let nothing = VersionVector::new();
        let part = Snapshot::collect(nothing.clone(), nothing, |_| {}).unwrap();
        let mut snapshots = SnapshotParts::default();
        let taken = (0..=most).take_while(|_| snapshots.add(part.clone()).is_ok());
        assert_eq!(taken.count(), most);
    }

    #[test]
    fn a_delta_whose_first_part_is_empty_is_complete() {
        let mut parts = Parts::default();
        parts.add(Delta::default(), 0).unwrap();
        assert!(!parts.is_empty());
        parts.end(Delta::default()).unwrap();
        assert!(parts.is_empty());
        assert_eq!(parts.bytes(), 0);
    }
}
