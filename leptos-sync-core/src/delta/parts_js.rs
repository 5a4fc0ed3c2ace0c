//! In a browser a message is written in one piece and cut: what fits into a page fits twice, and the code is downloaded.

use super::{Delta, Snapshot};
use crate::{codec::CellWriter, error::Error, version::VersionVector};

impl Snapshot {
    /// As [`write`](Snapshot::write), [split](Snapshot::split) into parts of about `bytes` each.
    pub(crate) fn write_parts(
        version: VersionVector,
        horizon: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        Self::write(version, horizon, write)?.split(bytes)
    }
}

impl Delta {
    /// As [`write`](Delta::write), in parts of about `bytes` each. Cut as a snapshot is, whose bytes are laid out alike.
    pub(super) fn write_parts(
        after: VersionVector,
        upto: VersionVector,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        let parts = Snapshot::write(upto, after, write)?.split(bytes)?;
        Ok(parts.into_iter().map(|Snapshot(body)| Self(body)).collect())
    }
}
