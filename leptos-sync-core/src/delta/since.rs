use std::fmt;

use super::{Body, message_methods};
use crate::{
    codec::{CellWriter, envelope::Kind},
    error::Error,
    version::VersionVector,
};

/// What changed between two versions: the cells that anyone who has everything up to `after` needs in order to have
/// everything up to `upto`.
///
/// It may be applied where the local version covers `after`; then the local version joins `upto`. Applying is
/// idempotent and commutative. The cells are kept encoded, so a delta costs its bytes and no more.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Delta(pub(super) Body);

impl Delta {
    /// Collects what `write` writes as the delta from `after` to `upto`.
    pub(crate) fn write(
        cells: &mut CellWriter,
        after: VersionVector,
        upto: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Body::write(cells, after, upto, write).map(Self)
    }

    /// What the receiver must already have.
    pub fn after(&self) -> &VersionVector {
        &self.0.first
    }

    /// What the receiver has once it has applied this.
    pub fn upto(&self) -> &VersionVector {
        &self.0.second
    }

    /// The same operations in parts of about `bytes` each, at least one. Each has the versions of the whole, which hold only
    /// for all of them together. O(bytes).
    ///
    /// # Errors
    ///
    /// None that cells which were written once could cause again.
    pub fn split(&self, bytes: usize) -> Result<Vec<Self>, Error> {
        let mut parts = Vec::new();
        self.0.split(bytes, &mut |body| parts.push(Self(body)))?;
        Ok(parts)
    }

    /// The delta of these parts. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] where they are not parts of one.
    pub fn of_parts(parts: &[Self]) -> Result<Self, Error> {
        let Some(first) = parts.first() else {
            return Ok(Self::default());
        };
        let same = |part: &Self| part.after() == first.after() && part.upto() == first.upto();
        if !parts.iter().all(same) {
            return Err(Error::corrupt("parts of different deltas"));
        }
        let versions = (first.after().clone(), first.upto().clone());
        Self::write(&mut CellWriter::default(), versions.0, versions.1, |out| {
            for part in parts {
                part.cells().for_each(&mut |parent, cell| {
                    out.group(parent);
                    out.copy(cell);
                });
            }
        })
    }

    /// Reads and checks an envelope.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`]; what it allocates before it says so
    /// follows the length of `bytes`, whatever they claim.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Body::open(Kind::Delta, bytes).map(Self)
    }
}

message_methods!(Delta);

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta")
            .field("after", self.after())
            .field("upto", self.upto())
            .field("cells", &self.len())
            .finish()
    }
}
