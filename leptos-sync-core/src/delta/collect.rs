//! Deltas and snapshots of cells that stand in no document, as in the database of a relay.

use super::{Delta, Snapshot};
use crate::{codec::CellWriter, error::Error, version::VersionVector};

impl Delta {
    /// The delta from `after` to `upto` of the cells that `write` writes. O(bytes).
    ///
    /// That these cells are what lies between is for the caller to know: nothing here can check it.
    ///
    /// ```
    /// use leptos_sync_core::{CellRef, Clock, Crdt, Delta, Doc, LwwRegister, ReplicaId, VersionVector};
    ///
    /// #[derive(Crdt, Clone, Default)]
    /// struct Page {
    ///     title: LwwRegister<String>,
    /// }
    ///
    /// let mut ada = Doc::<Page>::new(Clock::system(ReplicaId::new(1)));
    /// let mut bob = Doc::<Page>::new(Clock::system(ReplicaId::new(2)));
    /// let written = ada.transact(|tx| tx.title().set("Plans".to_owned()))?.delta;
    ///
    /// // Somebody keeps the cells in a place of his own, and makes a delta of them when Bob asks.
    /// let delta = Delta::collect(VersionVector::new(), ada.version().clone(), |out| {
    ///     for group in written.cells().groups() {
    ///         out.group(group.parent());
    ///         group.cells().for_each(|cell: CellRef<'_>| out.copy(cell));
    ///     }
    /// })?;
    /// bob.apply(&delta)?;
    /// assert_eq!(bob.state().title.get(), "Plans");
    /// # Ok::<(), leptos_sync_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] where a path or a value is beyond its bound.
    pub fn collect(
        after: VersionVector,
        upto: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Self::write(&mut CellWriter::default(), after, upto, write)
    }

    /// As [`collect`](Delta::collect), in parts of about `bytes` each, at least one. All carry the versions of the whole,
    /// so they are to be put together again before they are applied.
    ///
    /// # Errors
    ///
    /// As for [`collect`](Delta::collect).
    pub fn collect_parts(
        after: VersionVector,
        upto: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        Self::write_parts(after, upto, bytes.max(1), write)
    }

    /// The greatest time of each replica's cells. It lies beyond [`upto`](Delta::upto) only where the saved data of
    /// whoever made the delta were damaged.
    pub fn cells_upto(&self) -> &VersionVector {
        self.0.upto()
    }
}

impl Snapshot {
    /// The snapshot at `version`, with tombstones forgotten up to `horizon`, of the cells that `write` writes. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] where a path or a value is beyond its bound; [`Error::is_corrupt`] where `version` does not
    /// cover `horizon`.
    pub fn collect(
        version: VersionVector,
        horizon: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        has_seen(&version, &horizon)?;
        Self::write(version, horizon, write)
    }

    /// As [`collect`](Snapshot::collect), in parts of about `bytes` each, as [`split`](Snapshot::split) makes them.
    ///
    /// # Errors
    ///
    /// As for [`collect`](Snapshot::collect).
    pub fn collect_parts(
        version: VersionVector,
        horizon: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        has_seen(&version, &horizon)?;
        Self::write_parts(version, horizon, bytes.max(1), write)
    }
}

/// Refuses what a reader would refuse.
fn has_seen(version: &VersionVector, horizon: &VersionVector) -> Result<(), Error> {
    if version.covers(horizon) {
        return Ok(());
    }
    Err(Error::corrupt(
        "a snapshot cannot have forgotten what its version does not contain",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::{Stamp, Time},
        codec::CellRef,
        id::ReplicaId,
        path::Path,
    };

    fn at(time: u64) -> VersionVector {
        VersionVector::of(ReplicaId::new(1), Time::new(time))
    }

    fn write(out: &mut CellWriter) {
        out.group(Path::ROOT);
        for key in 0..100_u8 {
            let stamp = Stamp::new(Time::new(5), ReplicaId::new(1));
            let (key, value) = (&[key][..], Some(&[key; 30][..]));
            out.copy(CellRef { key, stamp, value });
        }
    }

    #[test]
    fn parts_have_the_versions_and_the_cells_of_the_whole() {
        let whole = Delta::collect(at(3), at(4), write).unwrap();
        assert_eq!(whole.cells_upto(), &at(5), "beyond what is claimed");
        for (bytes, count) in [(0, 100), (1_000, 4), (usize::MAX, 1)] {
            let parts = Delta::collect_parts(at(3), at(4), bytes, write).unwrap();
            assert_eq!(parts.len(), count, "{bytes} bytes");
            let versions = |part: &Delta| (part.after(), part.upto()) == (&at(3), &at(4));
            assert!(parts.iter().all(versions));
            let cells = Delta::collect(at(3), at(4), |out| {
                for group in parts.iter().flat_map(|part| part.cells().groups()) {
                    out.group(group.parent());
                    group.cells().for_each(|cell| out.copy(cell));
                }
            });
            assert_eq!(cells.unwrap(), whole);
        }
        let nothing = Delta::collect_parts(at(3), at(4), 1, |_| {}).unwrap();
        assert_eq!(nothing.len(), 1, "versions alone are a part too");
    }

    #[test]
    fn a_snapshot_that_nobody_could_read_is_not_made() {
        assert!(Snapshot::collect(at(5), at(5), write).is_ok());
        let error = Snapshot::collect(at(5), at(6), write).unwrap_err();
        assert!(error.is_corrupt());
        let error = Snapshot::collect_parts(at(5), at(6), 10, write).unwrap_err();
        assert!(error.is_corrupt());
    }
}
