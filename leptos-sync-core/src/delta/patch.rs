use std::fmt;

use super::{Body, Delta, message_methods};
use crate::{
    clock::Time,
    codec::{CellRef, CellWriter, envelope::Kind},
    error::Error,
    path::Path,
};

/// Encoded cells without versions, such as a transaction or a page of a relay's document.
///
/// Unlike a [`Delta`](super::Delta), it makes no claim about operations before it, and may have
/// cells of any number of replicas.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Patch(pub(super) Body);

impl Patch {
    /// Creates a patch from the cells that `write` writes. Stamps are encoded relative to `base`,
    /// which should be close to their times. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if a path or value exceeds its limit.
    pub fn collect(base: Time, write: impl FnOnce(&mut CellWriter)) -> Result<Self, Error> {
        Self::write(&mut CellWriter::default(), base, write)
    }

    /// Creates a patch like [`collect`](Patch::collect) in a writer that may be reused.
    pub(crate) fn write(
        cells: &mut CellWriter,
        base: Time,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        Body::write_at(cells, base, write).map(Self)
    }

    /// Creates a patch of the cells of a delta. O(1).
    pub(crate) fn of_delta(delta: Delta) -> Self {
        Self(delta.0.without_versions())
    }

    /// Returns the cells as a delta without versions, which claims nothing. O(bytes).
    pub fn to_delta(&self) -> Delta {
        Delta(self.0.clone())
    }

    /// Creates patches of about `bytes` each from the cells that `write` writes. There is at least
    /// one. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if a path or value exceeds its limit.
    pub fn collect_parts(
        base: Time,
        bytes: usize,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Vec<Self>, Error> {
        Self::write_parts(base, bytes, write)
    }

    /// Returns the body, whose versions are empty.
    pub(crate) fn body(&self) -> &Body {
        &self.0
    }

    /// Returns the latest time of the cells. O(replicas), and O(cells) if there are more than
    /// [`limits::REPLICAS`](crate::limits::REPLICAS) replicas.
    pub fn latest(&self) -> Time {
        let mut latest = self.0.latest();
        if latest == Time::ZERO {
            let each = &mut |_: Path<'_>, cell: CellRef<'_>| latest = latest.max(cell.stamp.time);
            self.cells().for_each(each);
        }
        latest
    }

    /// Returns an upper bound for the size in bytes of the uncompressed envelope.
    ///
    /// Unlike [`bytes`](Patch::bytes), it counts the table of replicas.
    pub fn envelope_bytes(&self) -> usize {
        self.0.bytes() + 8 * self.0.replicas() + ENVELOPE_BYTES
    }

    /// Decodes and checks an envelope.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`]. Allocations are
    /// proportional to the length of `bytes`, even if the bytes declare greater sizes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let body = Body::open(Kind::Patch, bytes)?;
        if !body.first.is_empty() || !body.second.is_empty() {
            return Err(Error::corrupt("a patch has a version"));
        }
        Ok(Self(body))
    }
}

/// The most that an envelope's header and a body's numbers take, in bytes.
const ENVELOPE_BYTES: usize = 64;

message_methods!(Patch);

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patch").field("cells", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Stamp, codec::CellRef, id::ReplicaId, path::Path, version::VersionVector};

    /// A counter has a cell per writer, in the order of hash tables.
    #[test]
    fn a_patch_of_100_000_replicas_is_read_in_linear_time() {
        let mut id = 1_u64;
        let patch = Patch::collect(Time::new(1 << 40), |out| {
            out.group(Path::ROOT);
            for key in 0..100_000_u32 {
                id = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
                let stamp = Stamp::new(Time::new(1 << 40), ReplicaId::new(id));
                let key = &key.to_be_bytes()[..];
                let value = None;
                out.copy(CellRef { key, stamp, value });
            }
        });
        let patch = patch.unwrap();
        assert_eq!(Patch::decode(&patch.encode()).unwrap(), patch);
        assert_eq!(patch.len(), 100_000);
        let bytes = patch.encode_uncompressed().len();
        let bound = patch.envelope_bytes();
        assert!(bytes <= bound && bound < bytes + 64, "{bytes} of {bound}");
        assert_eq!(patch.latest(), Time::new(1 << 40));
    }

    #[test]
    fn a_patch_with_a_version_is_corrupt() {
        let version = VersionVector::of(ReplicaId::new(1), Time::new(1));
        let body = Body::write(&mut CellWriter::default(), version.clone(), version, |_| {});
        let mut envelope = Vec::new();
        body.unwrap().seal(Kind::Patch, &mut envelope);
        assert!(Patch::decode(&envelope).unwrap_err().is_corrupt());
    }
}
