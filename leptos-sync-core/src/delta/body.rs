use std::borrow::Cow;

use xxhash_rust::xxh64::xxh64;

use crate::{
    clock::Time,
    codec::{CellWriter, Cells, Census, Written, envelope, varint, varint::Reader},
    error::Error,
    id::ReplicaId,
    limits,
    pool::{Scratch, kept, scratch},
    version::{InlineVec, VersionVector},
};

/// The common part of deltas and snapshots: two versions, and cells encoded relative to them.
///
/// ```text
/// Body    = replicas, base time, first version, second version, cells
/// replicas = count, (8 bytes)*
/// version  = count, (row, base time − time)*
/// ```
///
/// The cells stay encoded: creating a delta encodes them once, and applying it decodes them once.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Body {
    pub(crate) first: VersionVector,
    pub(crate) second: VersionVector,
    replicas: InlineVec<ReplicaId>,
    base: Time,
    groups: Scratch,
    census: Census,
}

impl Body {
    /// Collects the cells that `write` writes in `out`, a writer that may be reused.
    pub(crate) fn write(
        cells: &mut CellWriter,
        first: VersionVector,
        second: VersionVector,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        cells.start(second.latest());
        write(cells);
        Self::of(cells, first, second)
    }

    /// Creates a body without versions of the cells that `write` writes, relative to `base`.
    pub(super) fn write_at(
        cells: &mut CellWriter,
        base: Time,
        write: impl FnOnce(&mut CellWriter),
    ) -> Result<Self, Error> {
        cells.start(base);
        write(cells);
        Ok(Self::plain(cells.finish()?, base))
    }

    /// Creates the body of the cells that `write` writes, relative to the latest time of `second`.
    pub(crate) fn of(
        cells: &mut CellWriter,
        first: VersionVector,
        second: VersionVector,
    ) -> Result<Self, Error> {
        let written = cells.finish()?;
        Ok(Self::with(written, first, second))
    }

    /// Creates the body from cells whose stamps are encoded relative to the latest time of
    /// `second`.
    pub(crate) fn with(
        (replicas, groups, census): Written,
        first: VersionVector,
        second: VersionVector,
    ) -> Self {
        Self {
            base: second.latest(),
            first,
            second,
            replicas,
            groups,
            census,
        }
    }

    /// Creates a body without versions from cells that are encoded relative to `base`.
    pub(super) fn plain((replicas, groups, census): Written, base: Time) -> Self {
        Self {
            base,
            replicas,
            groups,
            census,
            ..Self::default()
        }
    }

    /// Removes the versions.
    pub(super) fn without_versions(self) -> Self {
        Self::plain((self.replicas, self.groups, self.census), self.base)
    }

    /// Splits the body into one or more parts of about `bytes` each and passes them to `out`. Each
    /// part has the versions of the whole. O(bytes).
    pub(super) fn split(&self, bytes: usize, out: &mut dyn FnMut(Self)) -> Result<(), Error> {
        let mut part = CellWriter::new(self.base);
        let mut end = |part: &mut CellWriter| {
            let mut body = Self::plain(part.finish()?, self.base);
            body.first.clone_from(&self.first);
            body.second.clone_from(&self.second);
            out(body);
            part.start(self.base);
            Ok::<_, Error>(())
        };
        for group in self.cells().groups() {
            part.group(group.parent());
            for cell in group.cells() {
                if part.bytes() >= bytes {
                    end(&mut part)?;
                    part.group(group.parent());
                }
                part.copy(cell);
            }
        }
        if !part.is_empty() || self.groups.is_empty() {
            end(&mut part)?;
        }
        Ok(())
    }

    /// Returns the cells, which were checked when the body was created or decoded.
    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells::trusted(&self.replicas, self.base, &self.groups)
    }

    /// Returns the number of cells.
    pub(crate) fn len(&self) -> usize {
        self.census.cells
    }

    /// Returns the greatest time of each replica's cells.
    pub(crate) fn upto(&self) -> &VersionVector {
        &self.census.upto
    }

    /// Returns the greatest time in the cells and in the second version.
    pub(crate) fn latest(&self) -> Time {
        self.upto().latest().max(self.second.latest())
    }

    /// Returns the number of replicas that have written the cells.
    pub(crate) fn replicas(&self) -> usize {
        self.replicas.len()
    }

    /// Returns the size of the encoded cells in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.groups.len()
    }

    /// Returns a checksum of this body, chained from `seed`.
    pub(crate) fn checksum(&self, seed: u64) -> u64 {
        xxh64(&self.groups, xxh64(&self.head(), seed))
    }

    /// Appends an envelope with this body, compressed if that pays off. O(bytes).
    pub(crate) fn seal(&self, kind: envelope::Kind, out: &mut Vec<u8>) {
        let head = self.head();
        if !envelope::may_compress(head.len() + self.groups.len()) {
            return envelope::seal_uncompressed(kind, [&head, &self.groups], out);
        }
        let mut body = scratch(head.len() + self.groups.len());
        body.extend_from_slice(&head);
        body.extend_from_slice(&self.groups);
        envelope::seal(kind, &body, out);
    }

    /// Appends an envelope with this body, uncompressed. O(bytes).
    pub(crate) fn seal_uncompressed(&self, kind: envelope::Kind, out: &mut Vec<u8>) {
        envelope::seal_uncompressed(kind, [&self.head(), &self.groups], out);
    }

    /// Encodes everything before the cells.
    fn head(&self) -> Scratch {
        let mut table = self.replicas.clone();
        for version in [&self.first, &self.second] {
            for_each_row(version, &mut table, &mut |_, _| {});
        }
        let entries = self.first.len() + self.second.len();
        let mut head = scratch(32 + 8 * table.len() + 12 * entries);
        varint::put(&mut head, table.len() as u64);
        for replica in &*table {
            head.extend_from_slice(&replica.get().to_le_bytes());
        }
        varint::put(&mut head, self.base.get());
        for version in [&self.first, &self.second] {
            varint::put(&mut head, version.len() as u64);
            for_each_row(version, &mut table, &mut |row, time| {
                varint::put(&mut head, row as u64);
                varint::put(&mut head, self.base.get().wrapping_sub(time.get()));
            });
        }
        head
    }

    /// Decodes and checks an envelope and its content. Allocates at most the size of the input and
    /// of its decompressed body.
    pub(crate) fn open(kind: envelope::Kind, bytes: &[u8]) -> Result<Self, Error> {
        let body = envelope::open(kind, bytes)?;
        let mut input = Reader::new(&body);
        let replicas = read_replicas(&mut input, kind)?;
        let base = Time::new(input.varint()?);
        let first = read_version(&mut input, &replicas, base)?;
        let second = read_version(&mut input, &replicas, base)?;
        let cells_at = body.len() - input.remaining();
        let groups = match body {
            Cow::Borrowed(body) => body.get(cells_at..).unwrap_or_default().to_vec(),
            Cow::Owned(mut body) => {
                body.drain(..cells_at);
                body
            }
        };
        let census = Cells::trusted(&replicas, base, &groups).validate()?;
        Ok(Self {
            first,
            second,
            replicas,
            base,
            groups: kept(groups),
            census,
        })
    }
}

/// Passes the row and time of each replica in a version to `work`. Appends new replicas to the
/// table.
fn for_each_row(
    version: &VersionVector,
    table: &mut InlineVec<ReplicaId>,
    work: &mut dyn FnMut(usize, Time),
) {
    let mut row = 0;
    for (replica, time) in version.iter() {
        // Look at the next row first: maps and counters write their cells by replica, so rows are
        // usually consecutive too.
        if table.get(row) != Some(&replica) {
            let known = table.iter().position(|&known| known == replica);
            row = known.unwrap_or_else(|| {
                table.push(replica);
                table.len() - 1
            });
        }
        work(row, time);
        row += 1;
    }
}

/// Reads the table of replicas. A patch has no version, so only its size bounds their number.
fn read_replicas(
    input: &mut Reader<'_>,
    kind: envelope::Kind,
) -> Result<InlineVec<ReplicaId>, Error> {
    let count = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    let too_many = count > limits::REPLICAS && kind != envelope::Kind::Patch;
    if too_many || count > input.remaining() / 8 {
        return Err(Error::corrupt("a message lists too many replicas"));
    }
    let mut replicas = InlineVec::with_capacity(count);
    for _ in 0..count {
        replicas.push(ReplicaId::new(input.u64_le()?));
    }
    Ok(replicas)
}

fn read_version(
    input: &mut Reader<'_>,
    replicas: &[ReplicaId],
    base: Time,
) -> Result<VersionVector, Error> {
    let count = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    if count > replicas.len() {
        return Err(malformed_version());
    }
    let mut entries: InlineVec<(ReplicaId, Time)> = InlineVec::with_capacity(count);
    for _ in 0..count {
        let row = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        let replica = *replicas.get(row).ok_or_else(malformed_version)?;
        let time = Time::new(base.get().wrapping_sub(input.varint()?));
        let is_in_order = entries.last().is_none_or(|last| last.0 < replica);
        if time == Time::ZERO || !is_in_order {
            return Err(malformed_version());
        }
        entries.push((replica, time));
    }
    Ok(VersionVector::from_sorted(entries))
}

/// The error for a version with unknown replicas, replicas out of order, or a time of zero. Its
/// text does not name the fault, since a text for each would enlarge every page.
#[cold]
fn malformed_version() -> Error {
    Error::corrupt("a version violates the format")
}
