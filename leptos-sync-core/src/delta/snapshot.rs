use std::fmt;

use super::{Body, message_methods};
use crate::{
    codec::{CellWriter, envelope::Kind},
    error::Error,
    version::VersionVector,
};

/// The whole state of a document with its version.
///
/// The `horizon` states the operations up to which tombstones were forgotten. Joining a snapshot
/// removes local cells that its version contains and that the snapshot lacks. The cells stay
/// encoded.
///
/// ```
/// use leptos_sync_core::{Clock, Doc, LwwMap, ReplicaId, Snapshot};
///
/// let mut doc = Doc::<LwwMap<String, u32>>::new(Clock::system(ReplicaId::new(1)));
/// doc.transact(|tx| tx.insert("apples".to_owned(), 3))?;
/// let bytes = doc.snapshot()?.encode();
///
/// let clock = Clock::system(ReplicaId::new(1));
/// let loaded = Doc::<LwwMap<String, u32>>::load(&Snapshot::decode(&bytes)?, clock);
/// assert_eq!(loaded.state(), doc.state());
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Snapshot(pub(super) Body);

impl Snapshot {
    /// Creates the snapshot at `version` with the cells that `write` writes.
    pub(crate) fn write(
        version: VersionVector,
        horizon: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Body::write(&mut CellWriter::default(), horizon, version, write).map(Self)
    }

    /// Returns the operations that the snapshot contains.
    pub fn version(&self) -> &VersionVector {
        &self.0.second
    }

    /// Returns the operations up to which tombstones were forgotten.
    pub fn horizon(&self) -> &VersionVector {
        &self.0.first
    }

    /// Splits the snapshot into one or more parts of about `bytes` each. Each is a snapshot with
    /// the version of the whole, which is valid only for all parts together. O(bytes).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells that were encoded before.
    pub fn split(&self, bytes: usize) -> Result<Vec<Self>, Error> {
        let mut parts = Vec::new();
        self.0.split(bytes, &mut |body| parts.push(Self(body)))?;
        Ok(parts)
    }

    /// Decodes and checks an envelope.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`]. Allocations are
    /// proportional to the length of `bytes`, even if the bytes declare greater sizes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body = Body::open(Kind::Snapshot, bytes)?;
        if !body.second.covers(&body.first) {
            return Err(Error::corrupt(
                "the horizon of a snapshot exceeds its version",
            ));
        }
        Ok(Self(body))
    }
}

message_methods!(Snapshot);

impl Snapshot {
    pub(crate) fn body(&self) -> &Body {
        &self.0
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", self.version())
            .field("horizon", self.horizon())
            .field("cells", &self.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Time, id::ReplicaId};

    /// A replica that merged such a snapshot could never send a delta again, since every peer would
    /// seem to lack tombstones.
    #[test]
    fn a_snapshot_with_a_horizon_beyond_its_version_is_corrupt() {
        let at = |time| VersionVector::of(ReplicaId::new(1), Time::new(time));
        let sealed = |horizon| {
            Snapshot::write(at(5), at(horizon), |_| {})
                .unwrap()
                .encode()
        };
        assert!(Snapshot::decode(&sealed(5)).is_ok());
        assert!(Snapshot::decode(&sealed(6)).unwrap_err().is_corrupt());
    }
}
