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
    version::InlineVec,
};

/// A writer that encodes cells, group by group.
///
/// A CRDT writes its cells with [`group`](CellWriter::group) and [`push`](CellWriter::push). The
/// first error, such as a value that cannot be encoded or exceeds a limit, is kept and returned at
/// the end, so writing needs no error handling. The cost is proportional to the bytes written.
/// Appending allocates only when columns grow.
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
    omits_values: bool,
    error: Option<Error>,
}

/// The replica table, the encoded groups and their statistics.
pub(crate) type Written = (InlineVec<ReplicaId>, Scratch, Census);

impl CellWriter {
    /// Creates an empty writer. Stamps are relative to `base`, which should be close to their
    /// times.
    pub(crate) fn new(base: Time) -> Self {
        let mut writer = Self::default();
        writer.start(base);
        writer
    }

    /// Creates a writer that omits all values.
    pub(crate) fn without_values() -> Self {
        Self {
            omits_values: true,
            ..Self::default()
        }
    }

    /// Starts a message, reusing the buffers of earlier ones.
    pub(crate) fn start(&mut self, base: Time) {
        self.base = base;
        self.stamps.start(base);
    }

    /// Starts a group of cells below `parent`.
    pub fn group(&mut self, parent: Path<'_>) {
        if self.count > 0 && self.parent == parent.as_bytes() {
            return;
        }
        self.close();
        self.parent.clear();
        self.parent.extend_from_slice(parent.as_bytes());
        self.too_deep = parent.segments().count() >= limits::DEPTH;
    }

    /// Reserves space for `cells` cells.
    pub fn reserve(&mut self, cells: usize) {
        let bytes = self.parts.at_most(cells.saturating_mul(8));
        self.keys.reserve(bytes);
        self.values.reserve(bytes);
    }

    /// Adds the cell `key` below the current parent. `value` appends its value; `None` is a
    /// tombstone.
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
        let value = value.filter(|_| !self.omits_values);
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

    /// Records a cell whose key and value were appended to their columns at these positions.
    #[inline]
    fn wrote(&mut self, stamp: Stamp, key_start: usize, value_start: Option<usize>) {
        let key_length = self.keys.len() - key_start;
        let value_length = value_start.map_or(0, |start| self.values.len() - start + 1);
        // The length of the longest key takes two bytes.
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

    /// Removes a cell that exceeds a limit.
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

    /// Returns the number of cells written.
    pub fn len(&self) -> usize {
        self.cells + self.count
    }

    /// Returns whether no cell was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Copies a cell to the current group.
    pub fn copy(&mut self, cell: CellRef<'_>) {
        if cell.key.is_empty() {
            // A received message may contain a path several times, and readers reject a group with
            // two empty keys.
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

    /// Returns the approximate number of bytes so far, to decide where to split.
    pub(crate) fn bytes(&self) -> usize {
        let columns = self.stamps.bytes() + self.keys.len() + self.values.len() + 2 * self.count;
        self.groups.len() + columns + 8 * self.replicas.len()
    }

    /// Returns everything written. The writer can be [started](CellWriter::start) again.
    pub(crate) fn finish(&mut self) -> Result<Written, Error> {
        let written = self.take();
        match self.error.take() {
            Some(error) => Err(error),
            None => Ok(written),
        }
    }

    fn take(&mut self) -> Written {
        self.close();
        let (replicas, rows) = mem::take(&mut self.replicas).into_parts();
        let groups = mem::take(&mut self.groups);
        let cells = mem::take(&mut self.cells);
        (replicas, groups, Census::new(cells, rows))
    }

    /// Finishes a part. Further cells belong to the same group unless another one is started.
    #[cold]
    fn cut(&mut self) {
        let part = self.take();
        self.parts.keep(part);
        self.stamps.start(self.base);
    }

    /// Returns the capacity of the columns in bytes.
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
    Error::too_large("value", bytes as u64, limits::VALUE_BYTES, "shorten it")
}
