use super::{lengths::LengthReader, stamps::StampReader};
use crate::{
    clock::{Stamp, Time},
    codec::varint::Reader,
    error::Error,
    id::ReplicaId,
    limits,
    path::{self, Path, PathBuf},
    version::{InlineVec, VersionVector},
};

/// Validated cells. Iterating over them cannot fail.
#[derive(Clone, Copy)]
pub struct Cells<'a> {
    replicas: &'a [ReplicaId],
    base: Time,
    groups: &'a [u8],
}

/// Statistics of validated cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) cells: usize,
    /// The latest time of the cells.
    pub(crate) latest: Time,
    /// The greatest time of each replica's cells, by row.
    rows: InlineVec<(ReplicaId, Time)>,
}

impl Census {
    /// Creates the statistics of cells with these replicas, each with its greatest time.
    pub(super) fn new(cells: usize, rows: InlineVec<(ReplicaId, Time)>) -> Self {
        let latest = rows.iter().map(|row| row.1).fold(Time::ZERO, Time::max);
        Self {
            cells,
            latest,
            rows,
        }
    }

    /// Returns the greatest time of each replica's cells. Empty if there are more replicas than a
    /// version may have.
    pub(crate) fn into_upto(self) -> VersionVector {
        match self.rows.len() <= limits::REPLICAS {
            true => VersionVector::from_unsorted(self.rows),
            false => VersionVector::new(),
        }
    }
}

impl<'a> Cells<'a> {
    /// Wraps the cells of a message that was validated before.
    pub(crate) fn trusted(replicas: &'a [ReplicaId], base: Time, groups: &'a [u8]) -> Self {
        Self {
            replicas,
            base,
            groups,
        }
    }

    /// Validates every length, path, stamp and limit, and returns the number of cells and each
    /// replica's latest time. Allocates one `Time` per replica.
    pub(crate) fn validate(self) -> Result<Census, Error> {
        let mut input = Reader::new(self.groups);
        let mut cells = 0;
        // Collect the times by row first. Adding replicas to a version one by one would be
        // quadratic.
        let mut upto = InlineVec::with_capacity(self.replicas.len());
        for &replica in self.replicas {
            upto.push((replica, Time::ZERO));
        }
        let mut group = Group::new(self);
        while !input.is_empty() {
            group.read(&mut input)?;
            if group.has_nameless {
                group.check_nameless()?;
            }
            group.stamps.validate(group.count, &mut upto)?;
            cells += group.count;
        }
        Ok(Census::new(cells, upto))
    }

    /// Iterates over the groups in order.
    pub fn groups(self) -> impl Iterator<Item = Group<'a>> {
        let mut input = Reader::new(self.groups);
        let mut group = Group::new(self);
        std::iter::from_fn(move || {
            // Check for the end first, since an error is expensive to create.
            (!input.is_empty() && group.read(&mut input).is_ok()).then(|| group.clone())
        })
    }

    /// Passes the groups to `work` in order, like [`groups`](Cells::groups), without cloning them.
    pub(crate) fn for_each_group(self, mut work: impl FnMut(&Group<'a>)) {
        let mut input = Reader::new(self.groups);
        let mut group = Group::new(self);
        while !input.is_empty() && group.read(&mut input).is_ok() {
            work(&group);
        }
    }

    /// Passes each cell and its parent path to `work`, in order. Not generic, to save code.
    pub(crate) fn for_each(self, work: &mut dyn FnMut(Path<'a>, CellRef<'a>)) {
        self.for_each_group(|group| {
            for cell in group.cells() {
                work(group.parent(), cell);
            }
        });
    }

    /// Iterates over the paths of all cells in order. Allocates each path.
    pub fn paths(self) -> impl Iterator<Item = PathBuf> {
        self.groups().flat_map(|group| {
            let parent = group.parent();
            group.cells().map(move |cell| cell.path(parent))
        })
    }

    /// Returns whether there are no cells.
    pub fn is_empty(self) -> bool {
        self.groups.is_empty()
    }
}

/// Cells that share a parent path.
#[derive(Clone)]
pub struct Group<'a> {
    parent: Path<'a>,
    count: usize,
    stamps: StampReader<'a>,
    key_lengths: LengthReader<'a>,
    keys: &'a [u8],
    value_lengths: LengthReader<'a>,
    values: &'a [u8],
    /// Whether a key has no bytes.
    has_nameless: bool,
}

impl<'a> Group<'a> {
    /// Returns the parent path of these cells.
    pub fn parent(&self) -> Path<'a> {
        self.parent
    }

    /// Returns the number of cells, at least one.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Always false: groups without cells are not written.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Returns whether one of the cells may have no name.
    pub(crate) fn has_nameless(&self) -> bool {
        self.has_nameless
    }

    /// Iterates over the cells in order.
    pub fn cells(&self) -> CellIter<'a> {
        CellIter(self.clone())
    }

    /// Creates an empty group for the message of `cells`.
    fn new(cells: Cells<'a>) -> Self {
        Self {
            parent: Path::ROOT,
            count: 0,
            stamps: StampReader::new(cells.replicas, cells.base),
            key_lengths: LengthReader::Constant(0),
            keys: &[],
            value_lengths: LengthReader::Constant(0),
            values: &[],
            has_nameless: false,
        }
    }

    /// Reads the group at the reader's position in place, since a group is 200 bytes and moving it
    /// is expensive.
    fn read(&mut self, input: &mut Reader<'a>) -> Result<(), Error> {
        let parent = input.len()?;
        let parent = Path::from_bytes(input.take(parent)?)?;
        let count = usize::try_from(input.varint()?).unwrap_or(usize::MAX);
        let stamps = input.len()?;
        self.stamps.read(input.take(stamps)?);
        // Apply the writer's limit, so that every accepted group can be written again.
        path::check_length(parent.as_bytes().len() + 2)?;
        let key_limit = limits::PATH_BYTES - (parent.as_bytes().len() + 2);
        let span;
        let mut has_nameless = false;
        (self.key_lengths, span) = LengthReader::read(input, bounded(count, input)?, |length| {
            has_nameless |= length == 0;
            checked(length, key_limit, "key")
        })?;
        self.has_nameless = has_nameless;
        self.keys = input.take(span)?;
        // Keys are distinct, so at most one is empty and every other takes a byte.
        if count == 0 || count > span + 1 {
            return Err(too_many_cells());
        }
        let span;
        (self.value_lengths, span) = LengthReader::read(input, count, |length| {
            checked(length.saturating_sub(1), limits::VALUE_BYTES, "value")
        })?;
        self.values = input.take(span)?;
        if parent.segments().count() >= limits::DEPTH {
            return Err(Error::limit("a path has too many segments"));
        }
        self.parent = parent;
        self.count = count;
        Ok(())
    }
}

impl Group<'_> {
    /// Rejects a group that has a value at the empty key below a record, where only a tombstone may
    /// be.
    #[cold]
    fn check_nameless(&self) -> Result<(), Error> {
        let is_content = |cell: CellRef<'_>| cell.key.is_empty() && cell.value.is_some();
        if !self.parent.is_root() && self.cells().any(is_content) {
            return Err(Error::corrupt(
                "a cell without a name has a value, and only a tombstone ends a record",
            ));
        }
        Ok(())
    }
}

/// Checks a declared number of cells against the input, which must have a byte for each.
fn bounded(count: usize, input: &Reader<'_>) -> Result<usize, Error> {
    if count > input.remaining() {
        return Err(too_many_cells());
    }
    Ok(count)
}

#[cold]
fn too_many_cells() -> Error {
    Error::corrupt("a group declares more cells than its bytes can hold")
}

fn checked(length: u64, limit: usize, what: &str) -> Result<usize, Error> {
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(length),
        _ => Err(Error::too_large(
            what,
            length,
            limit,
            "the data is damaged or from an incompatible build",
        )),
    }
}

/// A cell: its key, stamp and value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// The last segment of the cell's path. The group holds the other segments.
    pub key: &'a [u8],
    /// The stamp of the write.
    pub stamp: Stamp,
    /// The encoded value, or `None` for a tombstone.
    pub value: Option<&'a [u8]>,
}

impl CellRef<'_> {
    /// Returns the path of this cell below `parent`.
    pub fn path(&self, parent: Path<'_>) -> PathBuf {
        parent.to_owned().child(self.key)
    }
}

/// An iterator over the cells of a [`Group`].
#[derive(Clone)]
pub struct CellIter<'a>(Group<'a>);

impl<'a> Iterator for CellIter<'a> {
    type Item = CellRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<CellRef<'a>> {
        let group = &mut self.0;
        group.count = group.count.checked_sub(1)?;
        let stamp = group.stamps.next()?;
        let key;
        (key, group.keys) = split(group.keys, group.key_lengths.next()?)?;
        let value = match group.value_lengths.next()? {
            0 => None,
            length => {
                let value;
                (value, group.values) = split(group.values, length - 1)?;
                Some(value)
            }
        };
        Some(CellRef { key, stamp, value })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.count, Some(self.0.count))
    }
}

#[inline]
fn split(bytes: &[u8], length: u64) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(usize::try_from(length).ok()?)
}
