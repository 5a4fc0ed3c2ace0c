//! Construction of deltas and snapshots from cells outside a document, such as those in a relay's
//! database.

use super::{Delta, Snapshot};
use crate::{codec::CellWriter, error::Error, version::VersionVector};

impl Delta {
    /// Creates the delta from `after` to `upto` with the cells that `write` writes. O(bytes).
    ///
    /// The caller guarantees that these are exactly the cells between the two versions; this
    /// function cannot check it.
    ///
    /// ```
    /// use leptos_sync_core::{
    ///     Clock, Crdt, Delta, Doc, LwwRegister, ReplicaId, VersionVector, cells::CellRef,
    /// };
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
    /// // A server stores the cells itself, and creates a delta when Bob asks for it.
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
    /// [`Error::is_limit`] if a path or value exceeds its limit.
    pub fn collect(
        after: VersionVector,
        upto: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Self::write(&mut CellWriter::default(), after, upto, write)
    }

    /// Creates a delta like [`collect`](Delta::collect), in one or more parts of about `bytes`
    /// each. Each part has the versions of the whole, so reassemble the delta before applying it.
    ///
    /// # Errors
    ///
    /// Those of [`collect`](Delta::collect).
    pub fn collect_parts(
        after: VersionVector,
        upto: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        Self::write_parts(after, upto, bytes.max(1), write)
    }

    /// Returns the greatest time of each replica's cells. It exceeds [`upto`](Delta::upto) only if
    /// the sender's saved data was damaged.
    pub fn cells_upto(&self) -> &VersionVector {
        self.0.upto()
    }
}

impl Snapshot {
    /// Creates the snapshot at `version`, with tombstones forgotten up to `horizon`, from the cells
    /// that `write` writes. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if a path or value exceeds its limit, and [`Error::is_corrupt`] if
    /// `version` does not cover `horizon`.
    pub fn collect(
        version: VersionVector,
        horizon: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        has_seen(&version, &horizon)?;
        Self::write(version, horizon, write)
    }

    /// Creates a snapshot like [`collect`](Snapshot::collect), in parts of about `bytes` each, as
    /// [`split`](Snapshot::split) returns them.
    ///
    /// # Errors
    ///
    /// Those of [`collect`](Snapshot::collect).
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

/// Checks that `version` covers `horizon`, as a reader does.
fn has_seen(version: &VersionVector, horizon: &VersionVector) -> Result<(), Error> {
    if version.covers(horizon) {
        return Ok(());
    }
    Err(Error::corrupt(
        "the horizon of a snapshot exceeds its version",
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
        assert_eq!(
            whole.cells_upto(),
            &at(5),
            "the cells exceed the claimed version"
        );
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
        assert_eq!(nothing.len(), 1, "an empty delta has one part");
    }

    #[test]
    fn a_snapshot_that_readers_would_reject_is_not_created() {
        assert!(Snapshot::collect(at(5), at(5), write).is_ok());
        let error = Snapshot::collect(at(5), at(6), write).unwrap_err();
        assert!(error.is_corrupt());
        let error = Snapshot::collect_parts(at(5), at(6), 10, write).unwrap_err();
        assert!(error.is_corrupt());
    }
}
