use super::{Body, Delta, Patch, Snapshot};
use crate::{clock::Time, codec::CellWriter, error::Error, version::VersionVector};

impl Snapshot {
    /// Creates a snapshot like [`write`](Snapshot::write), [split](Snapshot::split) into parts of
    /// about `bytes` each. Memory holds only one copy of each part.
    pub(crate) fn write_parts(
        version: VersionVector,
        horizon: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        let mut cells = CellWriter::in_parts(version.latest(), bytes);
        write(&mut cells);
        let parts = cells.finish_parts()?.into_iter();
        let part = |part| Self(Body::with(part, horizon.clone(), version.clone()));
        Ok(parts.map(part).collect())
    }
}

impl Delta {
    /// Creates a delta like [`write`](Delta::write), in parts of about `bytes` each. Memory holds
    /// only one copy of each part.
    pub(super) fn write_parts(
        after: VersionVector,
        upto: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        let mut cells = CellWriter::in_parts(upto.latest(), bytes);
        write(&mut cells);
        let parts = cells.finish_parts()?.into_iter();
        let part = |part| Self(Body::with(part, after.clone(), upto.clone()));
        Ok(parts.map(part).collect())
    }
}

impl Patch {
    /// Creates patches of about `bytes` each. Memory holds only one copy of each.
    pub(super) fn write_parts(
        base: Time,
        bytes: usize,
        write: &mut dyn FnMut(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        let mut cells = CellWriter::in_parts(base, bytes.max(1));
        write(&mut cells);
        let parts = cells.finish_parts()?.into_iter();
        Ok(parts.map(|part| Self::of(part, base).0).collect())
    }
}
