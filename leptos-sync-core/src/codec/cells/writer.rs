use std::mem;

use super::{
    CellRef, Census,
    lengths::LengthWriter,
    parts::Parts,
    stamps::{ReplicaTable, StampWriter},
};
use crate::{
    clock::{Stamp, Time},
    codec::varint,
    error::Error,
    id::ReplicaId,
    limits,
    path::{self, Path},
    pool::{Scratch, scratch},
    version::Few,
};

/// Collects cells, group by group, as bytes.
///
/// A CRDT writes its cells with [`group`](CellWriter::group) and [`push`](CellWriter::push). The first error (a value
/// that cannot be encoded, a path or value beyond its limit) is kept and returned at the end, so that writing needs
/// no error handling. Appending costs the bytes written; nothing is allocated for a cell but room in the columns.
#[derive(Default)]
pub struct CellWriter {
    replicas: ReplicaTable,
    base: Time,
    groups: Scratch,
    cells: usize,
    parent: Vec<u8>,
    too_deep: bool,
    count: usize,
    stamps: StampWriter,
    key_lengths: LengthWriter,
    keys: Vec<u8>,
    value_lengths: LengthWriter,
    values: Vec<u8>,
    pub(super) parts: Parts,
    error: Option<Error>,
}

/// The replica table, the groups' bytes, and what they hold.
pub(crate) type Written = (Few<ReplicaId>, Scratch, Census);

impl CellWriter {
    /// A writer without cells, whose stamps are written relative to `base`: a time near theirs makes them small.
    pub(crate) fn new(base: Time) -> Self {
        let mut writer = Self::default();
        writer.start(base);
        writer
    }

    /// Begins a message, with the room that earlier ones left.
    pub(crate) fn start(&mut self, base: Time) {
        self.base = base;
        self.stamps.start(base);
    }

    /// The cells that follow stand below `parent`.
    pub fn group(&mut self, parent: Path<'_>) {
        if self.count > 0 && self.parent == parent.as_bytes() {
            return;
        }
        self.close();
        self.parent.clear();
        self.parent.extend_from_slice(parent.as_bytes());
        self.too_deep = parent.segments().count() >= limits::DEPTH;
    }

    /// Makes room for `cells` cells, where their number is known.
    pub fn reserve(&mut self, cells: usize) {
        let bytes = self.parts.at_most(cells.saturating_mul(8));
        self.keys.reserve(bytes);
        self.values.reserve(bytes);
    }

    /// Adds the cell `key`, below the current group's parent, whose value is appended by `value`; a tombstone if `None`.
    #[inline]
    pub fn push(
        &mut self,
        stamp: Stamp,
        key: impl FnOnce(&mut Vec<u8>) -> Result<(), Error>,
        value: Option<impl FnOnce(&mut Vec<u8>) -> Result<(), Error>>,
    ) {
        if self.parts.is_due(|| self.bytes()) {
            self.cut();
        }
        let (key_start, live) = (self.keys.len(), value.is_some());
        let mut written = key(&mut self.keys);
        let value_start = self.values.len();
        if let (Ok(()), Some(value)) = (&written, value) {
            written = value(&mut self.values);
        }
        match written {
            Ok(()) => self.wrote(stamp, key_start, live.then_some(value_start)),
            Err(error) => self.fail(error, key_start, value_start),
        }
    }

    /// Takes note of the cell whose key and value, if it has one, stand in their columns from there on.
    #[inline]
    fn wrote(&mut self, stamp: Stamp, key_start: usize, value_start: Option<usize>) {
        let key_length = self.keys.len() - key_start;
        let value_length = value_start.map_or(0, |start| self.values.len() - start + 1);
        // Two bytes hold the length of the longest key.
        let path_length = self.parent.len() + key_length + 2;
        if self.too_deep
            || path_length > limits::PATH_BYTES
            || value_length > limits::VALUE_BYTES + 1
        {
            return self.refuse(path_length, key_start, value_length);
        }
        self.key_lengths.push(key_length as u64);
        self.value_lengths.push(value_length as u64);
        self.stamps.push(stamp, &mut self.replicas);
        self.count += 1;
    }

    /// Takes a cell back that is beyond a limit.
    #[cold]
    fn refuse(&mut self, path_length: usize, key_start: usize, value_length: usize) {
        let error = if self.too_deep {
            path::too_deep()
        } else if path_length > limits::PATH_BYTES {
            path::too_long(path_length)
        } else {
            too_large(value_length - 1)
        };
        let value_start = self.values.len() - value_length.saturating_sub(1);
        self.fail(error, key_start, value_start);
    }

    /// How many cells were written.
    pub fn len(&self) -> usize {
        self.cells + self.count
    }

    /// Whether no cell was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a cell as it is, below the current group's parent.
    pub fn copy(&mut self, cell: CellRef<'_>) {
        if cell.key.is_empty() {
            // Somebody's message may have several of one path, and no group with two empty keys would be read.
            self.close();
        }
        self.push(
            cell.stamp,
            |bytes| {
                bytes.extend_from_slice(cell.key);
                Ok(())
            },
            cell.value.map(|value| {
                |bytes: &mut Vec<u8>| {
                    bytes.extend_from_slice(value);
                    Ok(())
                }
            }),
        );
    }

    /// Bytes written so far, near enough to split by.
    pub(crate) fn bytes(&self) -> usize {
        self.groups.len() + self.keys.len() + self.values.len() + 2 * self.count
    }

    /// What was written. The writer may [`start`](CellWriter::start) again.
    pub(crate) fn finish(&mut self) -> Result<Written, Error> {
        let written = self.take();
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(written),
        }
    }

    fn take(&mut self) -> Written {
        self.close();
        let (replicas, upto) = mem::take(&mut self.replicas).into_parts();
        let groups = mem::take(&mut self.groups);
        let cells = mem::take(&mut self.cells);
        (replicas, groups, Census { cells, upto })
    }

    /// Ends a part. What follows is of the same group, unless another one is begun.
    #[cold]
    fn cut(&mut self) {
        let part = self.take();
        self.parts.keep(part);
        self.stamps.start(self.base);
    }

    /// Bytes of room that the columns have.
    pub(crate) fn room(&self) -> usize {
        self.keys.capacity() + self.values.capacity()
    }

    fn close(&mut self) {
        if self.count == 0 {
            return;
        }
        let needed = self.parent.len() + self.keys.len() + self.values.len() + 2 * self.count + 64;
        if self.groups.capacity() == 0 {
            self.groups = scratch(needed);
        }
        let out: &mut Vec<u8> = &mut self.groups;
        out.reserve(needed);
        varint::put(out, self.parent.len() as u64);
        out.extend_from_slice(&self.parent);
        varint::put(out, self.count as u64);
        self.stamps.finish(&mut self.replicas, self.base, out);
        self.key_lengths.finish(out);
        out.append(&mut self.keys);
        self.value_lengths.finish(out);
        out.append(&mut self.values);
        self.cells += self.count;
        self.count = 0;
    }

    #[cold]
    fn fail(&mut self, error: Error, keys: usize, values: usize) {
        self.keys.truncate(keys);
        self.values.truncate(values);
        self.error.get_or_insert(error);
    }
}

fn too_large(bytes: usize) -> Error {
    let advice = "split it over several keys";
    Error::too_large("value", bytes as u64, limits::VALUE_BYTES, advice)
}
