use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{error::Error, id::ReplicaId, limits};

/// A hybrid logical time: 48 bits of milliseconds since the Unix epoch, then 16 bits of counter.
///
/// Eight bytes, `Copy`, ordered as an unsigned integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(u64);

impl Time {
    /// Before every operation; the time of defaults.
    pub const ZERO: Self = Self(0);

    /// The packed integer's time, the inverse of [`Time::get`].
    pub const fn new(packed: u64) -> Self {
        Self(packed)
    }

    /// The first time of a millisecond; milliseconds beyond 48 bits saturate.
    pub const fn from_ms(ms: u64) -> Self {
        if ms >> 48 == 0 {
            Self(ms << 16)
        } else {
            Self(u64::MAX)
        }
    }

    /// Returns the first time of a millisecond that a [`TimeSource`](crate::TimeSource) gave.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] when `ms` cannot be milliseconds since the Unix epoch: it lies after
    /// [`limits::CLOCK_MS`], as microseconds and nanoseconds do, or it is a count of seconds
    /// ([`limits::CLOCK_SECONDS`]).
    pub fn try_from_ms(ms: u64) -> Result<Self, Error> {
        if ms <= limits::CLOCK_MS && !limits::CLOCK_SECONDS.contains(&ms) {
            return Ok(Self::from_ms(ms));
        }
        Err(not_milliseconds(ms))
    }

    /// Milliseconds since the Unix epoch.
    pub const fn ms(self) -> u64 {
        self.0 >> 16
    }

    /// The packed integer.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The next time, whose counter carries into the milliseconds.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

#[cold]
#[inline(never)]
fn not_milliseconds(ms: u64) -> Error {
    let unit = match ms {
        ..=limits::CLOCK_MS => "seconds",
        ..100_000_000_000_000_000 => "microseconds",
        _ => "nanoseconds",
    };
    Error::clock(format!(
        "the time source returned {ms}, which looks like {unit}; it must return milliseconds since 1970, and this \
         device's clock must be set"
    ))
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms+{}", self.ms(), self.0 & 0xffff)
    }
}

/// When and by whom an operation was made: the key by which the last writer wins.
///
/// Ordered by time, then by replica. Sixteen bytes, `Copy`. A stamp does not say what was written, and a greater
/// stamp does not mean that its writer had seen the lesser one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// Hybrid logical time.
    pub time: Time,
    /// The writer.
    pub replica: ReplicaId,
}

impl Stamp {
    /// The stamp of defaults: any operation wins over it, and it is never stored or sent.
    pub const ZERO: Self = Self {
        time: Time::ZERO,
        replica: ReplicaId::new(0),
    };

    /// A stamp of its parts.
    pub const fn new(time: Time, replica: ReplicaId) -> Self {
        Self { time, replica }
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.replica, self.time)
    }
}
