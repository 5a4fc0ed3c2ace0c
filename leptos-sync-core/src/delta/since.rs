use std::fmt;

use super::{Body, BodyWriter};
use crate::{
    codec::{CellWriter, Cells, envelope::Kind},
    error::Error,
    version::VersionVector,
};

/// What changed between two versions: the cells that anyone who has everything up to `after` needs in order to have
/// everything up to `upto`.
///
/// It may be applied where the local version covers `after`; then the local version joins `upto`. Applying is
/// idempotent and commutative. The cells are kept encoded, so a delta costs its bytes and no more.
#[derive(Clone, PartialEq, Eq)]
pub struct Delta(Body);

impl Delta {
    /// Collects what `write` writes as the delta from `after` to `upto`.
    pub(crate) fn write(
        after: VersionVector,
        upto: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        let mut body = BodyWriter::new(after, upto);
        write(&mut body.cells);
        body.finish().map(Self)
    }

    /// What the receiver must already have.
    pub fn after(&self) -> &VersionVector {
        &self.0.first
    }

    /// What the receiver has once it has applied this.
    pub fn upto(&self) -> &VersionVector {
        &self.0.second
    }

    /// The cells.
    pub fn cells(&self) -> Cells<'_> {
        self.0.cells()
    }

    /// How many cells there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no cell. Such a delta may still advance a version.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the encoded cells, before the envelope and its compression.
    pub fn bytes(&self) -> usize {
        self.0.bytes()
    }

    /// What it is an envelope's body of.
    pub(crate) fn body(&self) -> &Body {
        &self.0
    }

    /// This delta as one envelope, ready to store or send. O(bytes).
    pub fn encode(&self) -> Vec<u8> {
        self.0.seal(Kind::Delta)
    }

    /// As [`encode`](Delta::encode), never compressed: for a transport or a storage that compresses by itself, and where
    /// time counts more than bytes. The command `cargo xtask bench compare` shows by how much.
    pub fn encode_uncompressed(&self) -> Vec<u8> {
        self.0.seal_uncompressed(Kind::Delta)
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

impl fmt::Debug for Delta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delta")
            .field("after", self.after())
            .field("upto", self.upto())
            .field("cells", &self.len())
            .finish()
    }
}
