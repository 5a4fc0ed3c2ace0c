//! In a browser a snapshot is written in one piece and cut: what fits into a page fits twice, and the code is downloaded.

use super::Snapshot;
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
