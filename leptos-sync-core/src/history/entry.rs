use xxhash_rust::xxh64::xxh64;

use super::Position;
use crate::{
    clock::{Stamp, Time},
    delta::Patch,
    error::Error,
    id::ReplicaId,
};

/// A value that identifies the content of an entry: 8 random bytes, drawn when the entry is first
/// written.
///
/// Restamping and emptying keep it, so that a copy of the entry from before is known to be the same
/// one. Relays compare it and never compute it. Zero stands before the first entry of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryHash(u64);

impl EntryHash {
    /// Creates a hash from its integer. The inverse of [`EntryHash::get`].
    pub const fn new(hash: u64) -> Self {
        Self(hash)
    }

    /// Draws a new hash.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    pub fn random() -> Result<Self, Error> {
        Ok(Self(ReplicaId::random()?.get().max(1)))
    }

    /// Returns the integer.
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The name of an entry: its writer's id, and its number among that writer's entries, counted from
/// 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// The writer.
    pub replica: ReplicaId,
    /// The number.
    pub number: u64,
}

/// The last entry of a writer that a relay has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct IdHead {
    /// The entry's number; 0 if the relay knows no entry of the writer.
    pub number: u64,
    /// The entry's hash.
    pub hash: EntryHash,
    /// The latest time of the writer's entries.
    pub time: Time,
    /// The entries without cells among the last [`limits::EMPTIED`](crate::limits::EMPTIED): bit `n`
    /// stands for the entry that is `n` before the last one.
    pub emptied: u64,
}

impl IdHead {
    /// Returns whether an entry is known to have no cells, since a relay has rejected it.
    pub fn is_emptied(&self, number: u64) -> bool {
        number <= self.number && self.emptied_before(number) & 1 == 1
    }

    /// Returns which entries are known to have no cells, counted from another last entry.
    pub fn emptied_before(&self, number: u64) -> u64 {
        let distance = u32::try_from(number.abs_diff(self.number)).unwrap_or(u32::MAX);
        let moved = match number > self.number {
            true => self.emptied.checked_shl(distance),
            false => self.emptied.checked_shr(distance),
        };
        moved.unwrap_or_default()
    }
}

/// A transaction in an outbox or on its way to a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The entry's name.
    pub id: EntryId,
    /// The hash of the writer's entry before this one.
    pub previous: EntryHash,
    /// This entry's hash.
    pub hash: EntryHash,
    /// The time of all cells, or [`Time::ZERO`] if the entry is empty.
    pub time: Time,
    /// The cells, all with [`stamp`](Entry::stamp). There are none if the relay has rejected the
    /// transaction; the entry then only takes its number.
    pub cells: Patch,
    /// Where the relay has stored the entry, if it has acknowledged it.
    pub stored: Option<Position>,
    /// The [checksum](user_checksum) of the name of the user who made the entry; 0 if that is not
    /// known, or a guest. Only the writer's device knows it.
    pub user: u64,
}

/// Returns the number by which an outbox distinguishes users: 0 for the empty name, which is that
/// of a guest.
pub fn user_checksum(name: &str) -> u64 {
    match name {
        "" => 0,
        name => xxh64(name.as_bytes(), 0).max(1),
    }
}

impl Entry {
    /// Returns the stamp of all cells.
    pub fn stamp(&self) -> Stamp {
        Stamp::new(self.time, self.id.replica)
    }

    /// Returns the writer's head once a relay has stored this entry after `before`.
    pub fn head(&self, before: IdHead) -> IdHead {
        IdHead {
            number: self.id.number,
            hash: self.hash,
            time: self.time.max(before.time),
            emptied: before.emptied_before(self.id.number) | u64::from(self.cells.is_empty()),
        }
    }

    /// Checks that all cells have the entry's stamp, and that only an empty entry has no time.
    /// O(cells).
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`] if that is not so, or if the number or hash is zero.
    pub fn check(&self) -> Result<(), Error> {
        let mut same = self.cells.is_empty() == (self.time == Time::ZERO);
        self.cells
            .cells()
            .for_each(&mut |_, cell| same &= cell.stamp == self.stamp());
        if same && self.id.number > 0 && self.hash != EntryHash::default() {
            return Ok(());
        }
        Err(Error::corrupt(
            "the parts of an entry contradict each other",
        ))
    }
}

/// An entry of the outbox, as a tab sends it to another one: with the stamps of the cells that it
/// replaced, and the values of counters among them.
pub type TabEntry = (Entry, Patch);
