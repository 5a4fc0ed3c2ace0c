use super::Epoch;
use crate::clock::Time;

/// The number of a change in a document's history at a relay, counted from 1. Zero is the state
/// before the first change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(u64);

impl Sequence {
    /// The state before the first change.
    pub const ZERO: Self = Self(0);

    /// Creates a sequence number from its integer. The inverse of [`Sequence::get`].
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the integer.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the next number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// Returns the number before this one. Zero has none and is returned unchanged.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }
}

/// A sequence number of a given epoch.
///
/// A number alone is ambiguous once a relay was restored from a backup, since it then uses numbers
/// again. The pair is not: each epoch is a different random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Position {
    /// The relay's epoch when it reported the number. It may be later than the epoch of the change
    /// itself.
    pub epoch: Epoch,
    /// The sequence number in the document's history.
    pub sequence: Sequence,
}

/// A state that a relay has reported of a document, with the relay's seal.
///
/// If a relay no longer has `head`, it was restored from a backup. The seal proves to the relay
/// that it once had this state. Only a replica with such a proof may restore the cells of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Witness {
    /// The greatest number that the relay has reported, and its epoch then.
    pub head: Position,
    /// The latest time of the document's cells then.
    pub latest: Time,
    /// A message authentication code over the document's name, `head` and `latest`. Only relays
    /// have the key.
    pub seal: [u8; 8],
}

/// The place to which a replica has read a document's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The number up to which the replica holds everything that the relay has sent.
    pub position: Position,
    /// The latest state that the relay has reported. It shows whether the relay has lost history;
    /// the position may be older.
    pub witness: Witness,
}
