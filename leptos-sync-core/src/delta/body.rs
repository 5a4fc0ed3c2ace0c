use xxhash_rust::xxh64::xxh64;

use super::{
    Patch,
    patch::{head, seal},
};
use crate::{
    clock::Time,
    codec::{CellWriter, Cells, Census, Written, envelope, varint, varint::Reader},
    error::Error,
    id::ReplicaId,
    pool::Scratch,
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
    /// The greatest time of each replica's cells.
    present: VersionVector,
    patch: Patch,
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
        Ok(Self::with(cells.finish()?, first, second))
    }

    /// Creates the body from cells whose stamps are encoded relative to the latest time of
    /// `second`.
    pub(crate) fn with(written: Written, first: VersionVector, second: VersionVector) -> Self {
        let (patch, census) = Patch::of(written, second.latest());
        Self {
            first,
            second,
            present: census.into_upto(),
            patch,
        }
    }

    /// Creates a body without versions from the patch of a transaction.
    pub(super) fn of_cells(patch: Patch) -> Self {
        Self {
            first: VersionVector::new(),
            second: VersionVector::new(),
            present: VersionVector::new(),
            patch,
        }
    }

    /// Sets the versions of a transaction, whose cells all have the only time of `second`.
    pub(super) fn set_versions(&mut self, first: VersionVector, second: VersionVector) {
        self.first = first;
        self.present = second.clone();
        self.second = second;
    }

    /// Creates the body from a patch. O(bytes).
    pub(super) fn of_patch(patch: Patch, first: VersionVector, second: VersionVector) -> Self {
        // The cells of a patch were validated before.
        let census = patch.cells().validate();
        let upto = census.map(Census::into_upto).unwrap_or_default();
        Self {
            first,
            second,
            present: upto,
            patch,
        }
    }

    /// Splits the body into one or more parts of about `bytes` each and passes them to `out`. Each
    /// part has the versions of the whole. O(bytes).
    pub(super) fn split(&self, bytes: usize, out: &mut dyn FnMut(Self)) -> Result<(), Error> {
        self.patch.split(bytes, &mut |patch, census| {
            out(Self {
                first: self.first.clone(),
                second: self.second.clone(),
                present: census.into_upto(),
                patch,
            });
        })
    }

    /// Returns the cells without the versions.
    pub(crate) fn patch(&self) -> &Patch {
        &self.patch
    }

    /// Returns the cells without the versions.
    pub(super) fn into_patch(self) -> Patch {
        self.patch
    }

    /// Returns the cells, which were checked when the body was created or decoded.
    pub(crate) fn cells(&self) -> Cells<'_> {
        self.patch.cells()
    }

    /// Returns the number of cells.
    pub(crate) fn len(&self) -> usize {
        self.patch.len()
    }

    /// Returns the greatest time of each replica's cells.
    pub(crate) fn upto(&self) -> &VersionVector {
        &self.present
    }

    /// Returns the greatest time in the cells and in the second version.
    pub(crate) fn latest(&self) -> Time {
        self.patch.latest().max(self.second.latest())
    }

    /// Returns the size of the encoded cells in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.patch.bytes()
    }

    /// Returns a checksum of this body, chained from `seed`.
    pub(crate) fn checksum(&self, seed: u64) -> u64 {
        xxh64(self.patch.groups(), xxh64(&self.head(), seed))
    }

    /// Appends an envelope with this body, compressed if that pays off. O(bytes).
    pub(crate) fn seal(&self, kind: envelope::Kind, out: &mut Vec<u8>) {
        seal(kind, &self.head(), self.patch.groups(), out);
    }

    /// Appends an envelope with this body, uncompressed. O(bytes).
    pub(crate) fn seal_uncompressed(&self, kind: envelope::Kind, out: &mut Vec<u8>) {
        envelope::seal_uncompressed(kind, [&self.head(), self.patch.groups()], out);
    }

    /// Encodes everything before the cells.
    fn head(&self) -> Scratch {
        let mut table = self.patch.replicas().clone();
        for version in [&self.first, &self.second] {
            for_each_row(version, &mut table, &mut |_, _| {});
        }
        let (base, entries) = (self.patch.base(), self.first.len() + self.second.len());
        let mut head = head(&table, base, 12 * entries);
        for version in [&self.first, &self.second] {
            varint::put(&mut head, version.len() as u64);
            for_each_row(version, &mut table, &mut |row, time| {
                varint::put(&mut head, row as u64);
                varint::put(&mut head, base.get().wrapping_sub(time.get()));
            });
        }
        head
    }

    /// Decodes and checks an envelope and its content. Allocates at most the size of the input and
    /// of its decompressed body.
    pub(crate) fn open(kind: envelope::Kind, bytes: &[u8]) -> Result<Self, Error> {
        let (mut first, mut second) = Default::default();
        let read = &mut |input: &mut Reader<'_>, replicas: &[ReplicaId], base| {
            first = read_version(input, replicas, base)?;
            second = read_version(input, replicas, base)?;
            Ok(())
        };
        let (patch, census) = Patch::open(kind, bytes, read)?;
        Ok(Self {
            first,
            second,
            present: census.into_upto(),
            patch,
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
