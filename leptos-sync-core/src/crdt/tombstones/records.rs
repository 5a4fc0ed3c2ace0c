use crate::{
    clock::{Stamp, Time},
    codec::varint::{self, Reader},
    error::Error,
    id::ReplicaId,
    path::Path,
};

/// The size of a block in bytes. A look-up reads half a block; the first record of a block is not
/// shortened.
const BLOCK_BYTES: usize = 512;

/// The stamp is that of the record before.
const SAME_STAMP: usize = 0;
/// The replica is that of the record before. The step from its time follows.
const SAME_REPLICA: usize = 1;
/// The replica and the time follow.
const WHOLE_STAMP: usize = 2;

/// Encoded tombstones, in path order.
#[derive(Clone, Default)]
pub(super) struct Records {
    pub(super) bytes: Vec<u8>,
    /// The positions of the blocks' first records, which do not depend on the records before.
    pub(super) starts: Vec<usize>,
    pub(super) len: usize,
    /// The last path and stamp.
    last: Vec<u8>,
    stamp: Stamp,
}

impl Records {
    /// Appends a tombstone. Returns false if its path does not follow the last one.
    pub(super) fn push(&mut self, path: Path<'_>, stamp: Stamp) -> bool {
        let path = path.as_bytes();
        let start = self.starts.last().copied().unwrap_or_default();
        let pairs = self.last.iter().zip(path);
        let mut shared = pairs.take_while(|(one, two)| one == two).count();
        let mut form = match (stamp == self.stamp, stamp.replica == self.stamp.replica) {
            (true, _) => SAME_STAMP,
            (_, true) => SAME_REPLICA,
            _ => WHOLE_STAMP,
        };
        if path <= self.last.as_slice() {
            return false;
        }
        if self.len == 0 || self.bytes.len() - start >= BLOCK_BYTES {
            self.starts.push(self.bytes.len());
            (shared, form) = (0, WHOLE_STAMP);
        }
        let rest = path.get(shared..).unwrap_or_default();
        let out = &mut self.bytes;
        varint::put(out, shared as u64);
        varint::put(out, (rest.len() << 2 | form) as u64);
        out.extend_from_slice(rest);
        if form == WHOLE_STAMP {
            out.extend_from_slice(&stamp.replica.get().to_le_bytes());
            varint::put(out, stamp.time.get());
        } else if form == SAME_REPLICA {
            let step = stamp.time.get().wrapping_sub(self.stamp.time.get());
            varint::put(out, varint::zigzag(step));
        }
        self.last.truncate(shared);
        self.last.extend_from_slice(rest);
        self.stamp = stamp;
        self.len += 1;
        true
    }

    /// Returns a cursor before the first record.
    pub(super) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(&self.bytes)
    }

    /// Returns the stamp of the tombstone at `path`.
    pub(super) fn get(&self, path: Path<'_>) -> Option<Stamp> {
        let block = |start: usize| self.bytes.get(start..).unwrap_or_default();
        let starts_before = |&start: &usize| first_path(block(start)) <= path.as_bytes();
        let after = self.starts.partition_point(starts_before);
        let mut records = Cursor::new(block(*self.starts.get(after.checked_sub(1)?)?));
        while records.advance() && records.path() < path {}
        (records.path() == path).then_some(records.stamp)
    }
}

/// Returns the path of a block's first record, which is whole.
fn first_path(block: &[u8]) -> &[u8] {
    let mut input = Reader::new(block);
    let mut path = || {
        input.u8()?;
        let head = input.varint()? as usize;
        input.take(head >> 2)
    };
    path().unwrap_or_default()
}

/// A position in encoded tombstones.
pub(super) struct Cursor<'a> {
    input: Reader<'a>,
    path: Vec<u8>,
    pub(super) stamp: Stamp,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            input: Reader::new(bytes),
            path: Vec::new(),
            stamp: Stamp::default(),
        }
    }

    /// Returns the path of the record. It is the root before the first record and after the last
    /// one, where no tombstone is.
    pub(super) fn path(&self) -> Path<'_> {
        Path::trusted(&self.path)
    }

    /// Moves to the next record. Returns false at the end. Encoded tombstones were checked.
    pub(super) fn advance(&mut self) -> bool {
        let is_there = self.read().unwrap_or_default();
        if !is_there {
            self.path.clear();
        }
        is_there
    }

    /// Reads the next record, and returns whether there is one.
    pub(super) fn read(&mut self) -> Result<bool, Error> {
        let input = &mut self.input;
        if input.is_empty() {
            return Ok(false);
        }
        let (shared, head) = (input.varint()?, input.varint()? as usize);
        self.path.truncate(shared as usize);
        self.path.extend_from_slice(input.take(head >> 2)?);
        match head & 3 {
            SAME_STAMP => {}
            SAME_REPLICA => {
                let step = varint::unzigzag(input.varint()?);
                self.stamp.time = Time::new(self.stamp.time.get().wrapping_add(step));
            }
            _ => {
                let replica = ReplicaId::new(input.u64_le()?);
                self.stamp = Stamp::new(Time::new(input.varint()?), replica);
            }
        }
        Ok(true)
    }
}
