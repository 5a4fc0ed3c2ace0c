//! The replacement for `parts` in a browser: it writes a message as a whole and then splits it.
//! That takes memory for two copies, but reduces the size of the page.

use super::{Delta, Patch, Snapshot};
use crate::{clock::Time, codec::CellWriter, error::Error, version::VersionVector};

impl Snapshot {
    /// Creates a snapshot like [`write`](Snapshot::write), [split](Snapshot::split) into parts of
    /// about `bytes` each.
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
    /// Creates a delta like [`write`](Delta::write), in parts of about `bytes` each. Splits it like
    /// a snapshot, which has the same layout.
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

impl Patch {
    /// Creates patches of about `bytes` each.
    pub(super) fn write_parts(
        base: Time,
        bytes: usize,
        write: &mut dyn FnMut(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        let mut parts = Vec::new();
        let whole = Self::collect_by(base, write)?;
        whole.split(bytes.max(1), &mut |part, _| parts.push(part))?;
        Ok(parts)
    }
}
