use std::borrow::Cow;

use xxhash_rust::xxh64::xxh64;

use crate::{
    clock::Time,
    codec::{CellWriter, Cells, Census, Written, envelope, varint, varint::Reader},
    error::Error,
    id::ReplicaId,
    limits,
    pool::{Scratch, kept, scratch},
    version::{Few, VersionVector},
};

/// What deltas and snapshots have in common: two versions, and cells whose replicas and times are written relative to
/// them.
///
/// ```text
/// Body    = replicas, base time, first version, second version, cells
/// replicas = count, (8 bytes)*
/// version  = count, (row, base time − time)*
/// ```
///
/// The cells stay encoded: making a delta writes them once, applying it reads them once.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Body {
    pub(crate) first: VersionVector,
    pub(crate) second: VersionVector,
    replicas: Few<ReplicaId>,
    base: Time,
    groups: Scratch,
    census: Census,
}

impl Body {
    /// Collects the cells that `write` writes, in a writer that may have served before.
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

    /// The body of the cells that were written, relative to the latest time of `second`.
    pub(crate) fn of(
        cells: &mut CellWriter,
        first: VersionVector,
        second: VersionVector,
    ) -> Result<Self, Error> {
        let written = cells.finish()?;
        Ok(Self::with(written, first, second))
    }

    /// The body of what was written relative to the latest time of `second`.
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

    /// Hands out the same in pieces of about `bytes` each, at least one, each with the versions of the whole. O(bytes).
    pub(super) fn split(&self, bytes: usize, out: &mut dyn FnMut(Self)) -> Result<(), Error> {
        let mut part = CellWriter::new(self.second.latest());
        let mut end = |part: &mut CellWriter| {
            out(Self::of(part, self.first.clone(), self.second.clone())?);
            part.start(self.second.latest());
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

    /// The cells, checked when the body was made or read.
    pub(crate) fn cells(&self) -> Cells<'_> {
        Cells::trusted(&self.replicas, self.base, &self.groups)
    }

    /// How many cells there are.
    pub(crate) fn len(&self) -> usize {
        self.census.cells
    }

    /// The greatest time of each replica's cells.
    pub(crate) fn upto(&self) -> &VersionVector {
        &self.census.upto
    }

    /// The greatest time of the cells and of the second version.
    pub(crate) fn latest(&self) -> Time {
        self.upto().latest().max(self.second.latest())
    }

    /// Bytes of the encoded cells.
    pub(crate) fn bytes(&self) -> usize {
        self.groups.len()
    }

    /// A checksum of this body, and of what `seed` is one of.
    pub(crate) fn checksum(&self, seed: u64) -> u64 {
        xxh64(&self.groups, xxh64(&self.head(), seed))
    }

    /// Appends the envelope around this body, compressed where that pays. O(bytes).
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

    /// Appends the envelope around this body as it is. O(bytes).
    pub(crate) fn seal_uncompressed(&self, kind: envelope::Kind, out: &mut Vec<u8>) {
        envelope::seal_uncompressed(kind, [&self.head(), &self.groups], out);
    }

    /// Everything before the cells.
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

    /// Reads and checks an envelope and everything in it. Allocates at most what it is given, and what that inflates to.
    pub(crate) fn open(kind: envelope::Kind, bytes: &[u8]) -> Result<Self, Error> {
        let body = envelope::open(kind, bytes)?;
        let mut input = Reader::new(&body);
        let replicas = read_replicas(&mut input)?;
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

/// Hands out the row and time of each of the version's replicas; those that are new to the table are appended.
fn for_each_row(
    version: &VersionVector,
    table: &mut Few<ReplicaId>,
    work: &mut dyn FnMut(usize, Time),
) {
    let mut row = 0;
    for (replica, time) in version.iter() {
        // Mostly the rows follow each other too: maps and counters write their cells by replica.
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

fn read_replicas(input: &mut Reader<'_>) -> Result<Few<ReplicaId>, Error> {
    let count = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
    if count > limits::REPLICAS || count > input.remaining() / 8 {
        return Err(Error::corrupt("a message claims too many replicas"));
    }
    let mut replicas = Few::with_capacity(count);
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
        return Err(Error::corrupt(
            "a version names more replicas than the message has",
        ));
    }
    let mut entries: Few<(ReplicaId, Time)> = Few::with_capacity(count);
    for _ in 0..count {
        let row = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        let replica = *replicas
            .get(row)
            .ok_or_else(|| Error::corrupt("a replica outside the table is named"))?;
        let time = Time::new(base.get().wrapping_sub(input.varint()?));
        if time == Time::ZERO {
            return Err(Error::corrupt("a version names a time of zero"));
        }
        if entries.last().is_some_and(|last| last.0 >= replica) {
            return Err(Error::corrupt("a version names its replicas out of order"));
        }
        entries.push((replica, time));
    }
    Ok(VersionVector::from_sorted(entries))
}
