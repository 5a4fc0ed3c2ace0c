use std::hash::BuildHasher;

use crate::{
    clock::{Stamp, Time},
    codec::{
        hasher::TableHasher,
        varint::{self, Reader, unzigzag, zigzag},
    },
    error::Error,
    id::ReplicaId,
    positions::Positions,
    version::InlineVec,
};

/// A writer of stamp columns. It writes runs of equal stamps, so the stamps of a transaction's
/// cells take a few bytes in total.
#[derive(Default)]
pub(super) struct StampWriter {
    run: Option<(Stamp, u64)>,
    last_row: Option<usize>,
    last_time: Time,
    out: Vec<u8>,
}

impl StampWriter {
    #[inline]
    pub(super) fn push(&mut self, stamp: Stamp, replicas: &mut ReplicaTable) {
        match &mut self.run {
            Some((current, count)) if *current == stamp => *count += 1,
            _ => {
                let mut out = std::mem::take(&mut self.out);
                self.close(replicas, &mut out);
                self.out = out;
                self.run = Some((stamp, 1));
            }
        }
    }

    /// Returns the size in bytes of all runs but the current one.
    pub(super) fn bytes(&self) -> usize {
        self.out.len()
    }

    /// Appends the column, preceded by its length in bytes, and starts a new one relative to
    /// `base`.
    pub(super) fn finish(&mut self, replicas: &mut ReplicaTable, base: Time, out: &mut Vec<u8>) {
        if self.out.is_empty() {
            // A single run, such as that of a transaction, has at most thirty bytes, so its length
            // fits into one byte.
            let start = out.len();
            out.push(0);
            self.close(replicas, out);
            let length = out.len() - start - 1;
            if let Some(byte) = out.get_mut(start) {
                *byte = length as u8;
            }
        } else {
            let mut runs = std::mem::take(&mut self.out);
            self.close(replicas, &mut runs);
            varint::put(out, runs.len() as u64);
            out.append(&mut runs);
            self.out = runs;
        }
        self.start(base);
    }

    pub(super) fn start(&mut self, base: Time) {
        self.last_row = None;
        self.last_time = base;
    }

    /// Appends the current run to `out`.
    fn close(&mut self, replicas: &mut ReplicaTable, out: &mut Vec<u8>) {
        let Some((stamp, count)) = self.run.take() else {
            return;
        };
        let row = replicas.row(stamp);
        let same = self.last_row == Some(row);
        varint::put(out, count << 1 | u64::from(same));
        if !same {
            varint::put(out, row as u64);
        }
        let step = stamp.time.get().wrapping_sub(self.last_time.get());
        varint::put(out, zigzag(step));
        self.last_row = Some(row);
        self.last_time = stamp.time;
    }
}

/// A reader of stamp columns.
#[derive(Clone)]
pub(super) struct StampReader<'a> {
    input: Reader<'a>,
    replicas: &'a [ReplicaId],
    base: Time,
    last_row: Option<usize>,
    stamp: Stamp,
    left: u64,
}

impl<'a> StampReader<'a> {
    /// Creates a reader for the columns of one message, without a column yet.
    pub(super) fn new(replicas: &'a [ReplicaId], base: Time) -> Self {
        Self {
            input: Reader::new(&[]),
            replicas,
            base,
            last_row: None,
            stamp: Stamp::ZERO,
            left: 0,
        }
    }

    /// Starts reading `column`.
    pub(super) fn read(&mut self, column: &'a [u8]) {
        self.input = Reader::new(column);
        self.last_row = None;
        self.stamp.time = self.base;
        self.left = 0;
    }

    /// Checks that the column has `count` stamps of known replicas, and that no time is zero.
    /// Raises each row of `upto` to the latest time of its replica.
    pub(super) fn validate(
        &mut self,
        count: usize,
        upto: &mut [(ReplicaId, Time)],
    ) -> Result<(), Error> {
        let mut seen = 0_u64;
        while !self.input.is_empty() {
            self.read_run()?;
            seen = seen.saturating_add(self.left);
            if let Some((_, latest)) = self.last_row.and_then(|row| upto.get_mut(row)) {
                *latest = (*latest).max(self.stamp.time);
            }
        }
        if seen != count as u64 {
            return Err(Error::corrupt(
                "a group has more or fewer stamps than cells",
            ));
        }
        Ok(())
    }

    #[inline]
    pub(super) fn next(&mut self) -> Option<Stamp> {
        if self.left == 0 {
            self.read_run().ok()?;
        }
        self.left -= 1;
        Some(self.stamp)
    }

    fn read_run(&mut self) -> Result<(), Error> {
        let head = self.input.varint()?;
        let row = if head & 1 == 1 {
            self.last_row
                .ok_or_else(|| Error::corrupt("the first stamp of a group has no replica"))?
        } else {
            usize::try_from(self.input.varint()?).unwrap_or(usize::MAX)
        };
        let replica = *self
            .replicas
            .get(row)
            .ok_or_else(|| Error::corrupt("a stamp names a replica outside the table"))?;
        let step = unzigzag(self.input.varint()?);
        let time = Time::new(self.stamp.time.get().wrapping_add(step));
        if time == Time::ZERO || head >> 1 == 0 {
            return Err(Error::corrupt("a run of stamps is empty or at time zero"));
        }
        self.last_row = Some(row);
        self.stamp = Stamp::new(time, replica);
        self.left = head >> 1;
        Ok(())
    }
}

/// The replicas of a message, each encoded once and referenced by row, with the greatest time of
/// each.
#[derive(Default)]
pub(super) struct ReplicaTable {
    rows: InlineVec<(ReplicaId, Time)>,
    /// The number of leading rows that are sorted by id.
    rising: usize,
    /// The other rows, once there are more than [`LISTED`] of them.
    others: Option<Box<Rows>>,
}

/// An index of rows by id.
#[derive(Default)]
struct Rows {
    positions: Positions,
    hasher: TableHasher,
}

/// The number of rows out of order that are searched linearly.
const LISTED: usize = 64;

impl ReplicaTable {
    /// Returns the row of the stamp's replica, which is appended if it is new. O(log rows).
    fn row(&mut self, stamp: Stamp) -> usize {
        let row = self.find(stamp.replica).unwrap_or(self.rows.len());
        match self.rows.get_mut(row) {
            Some((_, latest)) => *latest = (*latest).max(stamp.time),
            None => {
                let last = self.rows.last().map(|last| last.0);
                if self.rising == row && last < Some(stamp.replica) {
                    self.rising += 1;
                }
                self.rows.push((stamp.replica, stamp.time));
                if row >= self.rising + LISTED {
                    self.index();
                }
            }
        }
        row
    }

    fn find(&self, replica: ReplicaId) -> Option<usize> {
        let (rising, others) = self.rows.split_at_checked(self.rising)?;
        let found = rising.binary_search_by_key(&replica, |row| row.0).ok();
        found.or_else(|| {
            if let Some(known) = &self.others {
                let is_here =
                    |row: u32| self.rows.get(row as usize).map(|row| row.0) == Some(replica);
                let hash = known.hasher.hash_one(replica);
                let found = known.positions.find(hash, is_here);
                return found.map(|row| row as usize);
            }
            let other = others.iter().position(|row| row.0 == replica)?;
            Some(self.rising + other)
        })
    }

    /// Indexes the last row, and before it those that are not indexed yet.
    #[cold]
    fn index(&mut self) {
        let rows = &self.rows;
        let Rows { positions, hasher } = &mut **self.others.get_or_insert_default();
        let by_row = &|row: u32| {
            let row = rows.get(row as usize);
            row.map_or(0, |row| hasher.hash_one(row.0))
        };
        for row in self.rising + positions.len()..rows.len() {
            let row = row as u32;
            positions.insert(by_row(row), row, by_row);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns the replicas by row and the greatest time of each.
    pub(super) fn into_parts(self) -> (InlineVec<ReplicaId>, InlineVec<(ReplicaId, Time)>) {
        let mut replicas = InlineVec::with_capacity(self.rows.len());
        self.rows.iter().for_each(|row| replicas.push(row.0));
        (replicas, self.rows)
    }
}
