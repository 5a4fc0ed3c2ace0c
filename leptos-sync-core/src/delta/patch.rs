use std::{borrow::Cow, fmt};

use super::Delta;
use crate::{
    clock::Time,
    codec::{
        CellWriter, Cells, Census, Written,
        envelope::{self, Kind},
        varint::{self, Reader},
    },
    error::Error,
    id::ReplicaId,
    limits,
    pool::{Scratch, kept, scratch},
    version::InlineVec,
};

/// Encoded cells without versions, such as a transaction or a page of a relay's document.
///
/// Unlike a [`Delta`](super::Delta), it makes no claim about operations before it, and may have
/// cells of any number of replicas.
///
/// ```text
/// Patch    = replicas, base time, 0, 0, cells
/// replicas = count, (8 bytes)*
/// ```
///
/// The cells stay encoded: creating a patch encodes them once, and joining it decodes them once.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Patch {
    replicas: InlineVec<ReplicaId>,
    base: Time,
    groups: Scratch,
    len: usize,
    latest: Time,
}

impl Patch {
    /// Creates a patch from the cells that `write` writes. Stamps are encoded relative to `base`,
    /// which should be close to their times. O(bytes).
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] if a path or value exceeds its limit.
    pub fn collect(base: Time, write: impl FnOnce(&mut CellWriter)) -> Result<Self, Error> {
        let mut write = Some(write);
        Self::collect_by(base, &mut |out| {
            if let Some(write) = write.take() {
                write(out);
            }
        })
    }

    /// The part of [`collect`](Patch::collect) that a page contains once.
    pub(super) fn collect_by(
        base: Time,
        write: &mut dyn FnMut(&mut CellWriter),
    ) -> Result<Self, Error> {
        Self::write_by(&mut CellWriter::default(), base, write)
    }

    /// Creates a patch like [`collect`](Patch::collect) in a writer that may be reused.
    pub(crate) fn write(
        cells: &mut CellWriter,
        base: Time,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        let mut write = Some(write);
        Self::write_by(cells, base, &mut |out| {
            if let Some(write) = write.take() {
                write(out);
            }
        })
    }

    /// The part of [`write`](Patch::write) that a page contains once.
    fn write_by(
        cells: &mut CellWriter,
        base: Time,
        write: &mut dyn FnMut(&mut CellWriter),
    ) -> Result<Self, Error> {
        cells.start(base);
        write(cells);
        Ok(Self::of(cells.finish()?, base).0)
    }

    /// Creates a patch from cells encoded relative to `base`. Also returns the statistics of the
    /// cells.
    pub(super) fn of((replicas, groups, census): Written, base: Time) -> (Self, Census) {
        let patch = Self {
            replicas,
            base,
            groups,
            len: census.cells,
            latest: census.latest,
        };
        (patch, census)
    }

    /// Returns the cells as a delta without versions, which claims nothing. O(bytes).
    pub fn to_delta(&self) -> Delta {
        Delta::of_patch(self.clone(), Default::default(), Default::default())
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
        let mut write = Some(write);
        Self::write_parts(base, bytes, &mut |out| {
            if let Some(write) = write.take() {
                write(out);
            }
        })
    }

    /// Splits the patch into one or more parts of about `bytes` each and passes them to `out`, with
    /// their statistics. O(bytes).
    pub(super) fn split(
        &self,
        bytes: usize,
        out: &mut dyn FnMut(Self, Census),
    ) -> Result<(), Error> {
        let mut part = CellWriter::new(self.base);
        let mut failed = None;
        let mut end = |part: &mut CellWriter| {
            match part.finish() {
                Ok(written) => {
                    let (patch, census) = Self::of(written, self.base);
                    out(patch, census);
                }
                Err(error) => failed = Some(error),
            }
            part.start(self.base);
        };
        self.cells().for_each(&mut |parent, cell| {
            if part.bytes() >= bytes {
                end(&mut part);
            }
            part.group(parent);
            part.copy(cell);
        });
        if !part.is_empty() || self.groups.is_empty() {
            end(&mut part);
        }
        failed.map_or(Ok(()), Err)
    }

    /// Returns the cells, including tombstones. They were checked when the patch was created or
    /// decoded.
    pub fn cells(&self) -> Cells<'_> {
        Cells::trusted(&self.replicas, self.base, &self.groups)
    }

    /// Returns the number of cells, including tombstones.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are no cells.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the latest time of the cells.
    pub fn latest(&self) -> Time {
        self.latest
    }

    /// Returns the time relative to which stamps are encoded.
    pub(super) fn base(&self) -> Time {
        self.base
    }

    /// Returns the replicas that have written the cells.
    pub(super) fn replicas(&self) -> &InlineVec<ReplicaId> {
        &self.replicas
    }

    /// Returns the encoded cells.
    pub(super) fn groups(&self) -> &[u8] {
        &self.groups
    }

    /// Returns the size of the encoded cells in bytes, without envelope and compression.
    pub fn bytes(&self) -> usize {
        self.groups.len()
    }

    /// Returns an upper bound for the size in bytes of the uncompressed envelope.
    ///
    /// Unlike [`bytes`](Patch::bytes), it counts the table of replicas.
    pub fn envelope_bytes(&self) -> usize {
        self.bytes() + 8 * self.replicas.len() + ENVELOPE_BYTES
    }

    /// Encodes the patch as one envelope, ready to store or send. O(bytes).
    pub fn encode(&self) -> Vec<u8> {
        let mut envelope = Vec::new();
        self.encode_into(&mut envelope);
        envelope
    }

    /// Encodes the patch like [`encode`](Self::encode), but appends the envelope to a reusable
    /// buffer.
    pub fn encode_into(&self, envelope: &mut Vec<u8>) {
        seal(Kind::Patch, &self.head(), &self.groups, envelope);
    }

    /// Encodes the patch like [`encode`](Self::encode), but without compression.
    pub fn encode_uncompressed(&self) -> Vec<u8> {
        let mut envelope = Vec::new();
        envelope::seal_uncompressed(Kind::Patch, [&self.head(), &self.groups], &mut envelope);
        envelope
    }

    fn head(&self) -> Scratch {
        let mut head = head(&self.replicas, self.base, 2);
        head.extend_from_slice(&[0, 0]);
        head
    }

    /// Decodes and checks an envelope.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_unsupported`] or [`Error::is_limit`]. Allocations are
    /// proportional to the length of `bytes`, even if the bytes declare greater sizes.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut read = |input: &mut Reader<'_>, _: &[ReplicaId], _| match input.take(2)? {
            [0, 0] => Ok(()),
            _ => Err(Error::corrupt("a patch has a version")),
        };
        Ok(Self::open(Kind::Patch, bytes, &mut read)?.0)
    }

    /// Decodes and checks an envelope. `read` reads what stands between the base time and the
    /// cells.
    pub(super) fn open(kind: Kind, bytes: &[u8], read: Read<'_>) -> Result<(Self, Census), Error> {
        let body = envelope::open(kind, bytes)?;
        let mut input = Reader::new(&body);
        let replicas = read_replicas(&mut input, kind)?;
        let base = Time::new(input.varint()?);
        read(&mut input, &replicas, base)?;
        let cells_at = body.len() - input.remaining();
        let groups = match body {
            Cow::Borrowed(body) => body.get(cells_at..).unwrap_or_default().to_vec(),
            Cow::Owned(mut body) => {
                body.drain(..cells_at);
                body
            }
        };
        let census = Cells::trusted(&replicas, base, &groups).validate()?;
        Ok(Self::of((replicas, kept(groups), census), base))
    }
}

/// A reader of the versions in an envelope, with the table of replicas and the base time.
pub(super) type Read<'a> =
    &'a mut dyn FnMut(&mut Reader<'_>, &[ReplicaId], Time) -> Result<(), Error>;

/// Encodes the replicas and the base time, with room for `more` bytes.
pub(super) fn head(replicas: &[ReplicaId], base: Time, more: usize) -> Scratch {
    let mut head = scratch(32 + 8 * replicas.len() + more);
    varint::put(&mut head, replicas.len() as u64);
    for replica in replicas {
        head.extend_from_slice(&replica.get().to_le_bytes());
    }
    varint::put(&mut head, base.get());
    head
}

/// Appends an envelope, compressed if that pays off. O(bytes).
pub(super) fn seal(kind: Kind, head: &[u8], groups: &[u8], out: &mut Vec<u8>) {
    if !envelope::may_compress(head.len() + groups.len()) {
        return envelope::seal_uncompressed(kind, [head, groups], out);
    }
    let mut body = scratch(head.len() + groups.len());
    body.extend_from_slice(head);
    body.extend_from_slice(groups);
    envelope::seal(kind, &body, out);
}

/// Reads the table of replicas. A patch has no version, so only its size bounds their number.
fn read_replicas(input: &mut Reader<'_>, kind: Kind) -> Result<InlineVec<ReplicaId>, Error> {
    let count = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    let too_many = count > limits::REPLICAS && kind != Kind::Patch;
    if too_many || count > input.remaining() / 8 {
        return Err(Error::corrupt("a message lists too many replicas"));
    }
    let mut replicas = InlineVec::with_capacity(count);
    for _ in 0..count {
        replicas.push(ReplicaId::new(input.u64_le()?));
    }
    Ok(replicas)
}

/// The most that an envelope's header and a body's numbers take, in bytes.
const ENVELOPE_BYTES: usize = 64;

impl fmt::Debug for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Patch").field("cells", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{clock::Stamp, codec::CellRef, delta::Body, path::Path, version::VersionVector};

    /// A counter has a cell per writer, in the order of a hash table.
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
