use std::fmt;

use super::{Body, message_methods};
use crate::{
    codec::{CellWriter, envelope::Kind},
    error::Error,
    version::VersionVector,
};

/// The whole state of a document with its version.
///
/// It also says up to where tombstones were forgotten (its `horizon`): joining it removes what its version contains
/// and it lacks. The cells are kept encoded.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Snapshot(pub(super) Body);

impl Snapshot {
    /// Collects what `write` writes as the state at `version`.
    pub(crate) fn write(
        version: VersionVector,
        horizon: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Body::write(&mut CellWriter::default(), horizon, version, write).map(Self)
    }

    /// Which operations are contained.
    pub fn version(&self) -> &VersionVector {
        &self.0.second
    }

    /// Up to where tombstones were forgotten.
    pub fn horizon(&self) -> &VersionVector {
        &self.0.first
    }

    /// The same state in pieces of about `bytes` each, at least one: snapshots whose cells together are this one's.
    ///
    /// Each carries the whole version, which holds only for all of them together. O(bytes).
    ///
    /// # Errors
    ///
    /// None that cells which were written once could cause again.
    pub fn split(&self, bytes: usize) -> Result<Vec<Self>, Error> {
        let mut parts = Vec::new();
        self.0.split(bytes, &mut |body| parts.push(Self(body)))?;
        Ok(parts)
    }

    /// Reads and checks an envelope.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`]; what it allocates before it says so
    /// follows the length of `bytes`, whatever they claim.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body = Body::open(Kind::Snapshot, bytes)?;
        if !body.second.covers(&body.first) {
            return Err(Error::corrupt(
                "a snapshot claims to have forgotten what it has not seen",
            ));
        }
        Ok(Self(body))
    }
}

message_methods!(Snapshot);

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

    /// Whoever merged such a snapshot could never send a delta again: every peer would seem to lack tombstones.
    #[test]
    fn a_snapshot_that_forgot_more_than_it_has_seen_is_corrupt() {
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
