use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    error::Error,
    id::{Letters, ReplicaId, not_a},
    limits,
};

/// A hybrid logical time: 48 bits of milliseconds since the Unix epoch, then 16 bits of counter.
///
/// Eight bytes, `Copy`, ordered as an unsigned integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Time(u64);

impl Time {
    /// The earliest time. Default values carry it; every operation is later.
    pub const ZERO: Self = Self(0);

    /// Creates a time from its packed integer. The inverse of [`Time::get`].
    pub const fn new(packed: u64) -> Self {
        Self(packed)
    }

    /// Returns the first time of a millisecond. Milliseconds beyond 48 bits saturate.
    pub const fn from_ms(ms: u64) -> Self {
        if ms >> 48 == 0 {
            Self(ms << 16)
        } else {
            Self(u64::MAX)
        }
    }

    /// Returns the first time of a millisecond that a [`TimeSource`](crate::clock::TimeSource)
    /// returned.
    ///
    /// # Errors
    ///
    /// [`Error::is_clock`] if `ms` cannot be milliseconds since the Unix epoch. Microseconds and
    /// nanoseconds exceed [`limits::CLOCK_MS`], and seconds are within [`limits::CLOCK_SECONDS`].
    #[cfg_attr(not(target_arch = "wasm32"), inline)]
    pub fn try_from_ms(ms: u64) -> Result<Self, Error> {
        // One comparison for every time since April 1970.
        let usual = limits::CLOCK_SECONDS.end() + 1..=limits::CLOCK_MS;
        if usual.contains(&ms) {
            return Ok(Self::from_ms(ms));
        }
        unusual(ms)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn ms(self) -> u64 {
        self.0 >> 16
    }

    /// Returns the packed integer.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the next time. Its counter carries into the milliseconds.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Checks a clock reading that is close to the epoch or not in milliseconds.
#[cold]
#[inline(never)]
fn unusual(ms: u64) -> Result<Time, Error> {
    if ms < *limits::CLOCK_SECONDS.start() {
        return Ok(Time::from_ms(ms));
    }
    let unit = if ms <= limits::CLOCK_MS {
        "seconds"
    } else if ms < 100_000_000_000_000_000 {
        "microseconds"
    } else {
        "nanoseconds"
    };
    Err(Error::clock(format!(
        "the time source returned {ms}, which looks like {unit}; it must return milliseconds since 1970, and this \
         device's clock must be set"
    )))
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms+{}", self.ms(), self.0 & 0xffff)
    }
}

/// Writes 13 characters of the lowercase base32 alphabet, as in [`Stamp`]'s text form.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Letters(self.0).fmt(f)
    }
}

impl FromStr for Time {
    type Err = Error;

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] for text that [`Display`](fmt::Display) does not write.
    fn from_str(text: &str) -> Result<Self, Error> {
        let time = Letters::parse(text).map(Self);
        time.ok_or_else(|| not_a("time", text, "adc6p4vuaaaaa"))
    }
}

/// The time and writer of an operation. The greatest stamp wins.
///
/// Ordered by time, then by replica. Sixteen bytes, `Copy`. A stamp does not say what was written,
/// and a greater stamp does not mean that its writer has seen the lesser one.
///
/// # Text form
///
/// [`Display`](fmt::Display) and [`FromStr`] use the time and the replica, separated by a hyphen.
/// Each has 13 characters of the lowercase base32 alphabet (`a`–`z`, `2`–`7`). The 27 characters
/// start with a letter and need no escaping in HTML ids, CSS selectors and URLs. Each stamp has
/// exactly one text form. The text forms do not sort like the stamps.
///
/// ```
/// use leptos_sync_core::{ReplicaId, Stamp, Time};
///
/// let stamp = Stamp::new(Time::from_ms(1_700_000_000_000), ReplicaId::new(7));
/// assert_eq!(stamp.to_string(), "adc6p4vuaaaaa-aaaaaaaaaaaah");
/// assert_eq!(stamp.to_string().parse::<Stamp>()?, stamp);
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Stamp {
    /// The hybrid logical time.
    pub time: Time,
    /// The writer.
    pub replica: ReplicaId,
}

impl Stamp {
    /// The stamp of defaults. Every operation wins over it, and it is never stored or sent.
    pub const ZERO: Self = Self {
        time: Time::ZERO,
        replica: ReplicaId::new(0),
    };

    /// Creates a stamp from its parts.
    pub const fn new(time: Time, replica: ReplicaId) -> Self {
        Self { time, replica }
    }
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}@{:?}", self.replica, self.time)
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.time, self.replica)
    }
}

impl FromStr for Stamp {
    type Err = Error;

    /// Parses the [text form](Stamp#text-form).
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] for text that [`Display`](fmt::Display) does not write.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (time, rest) = Letters::parse_first(text)?;
            let replica = ReplicaId::new(Letters::parse(rest)?);
            Some(Self::new(Time::new(time), replica))
        };
        parse().ok_or_else(|| not_a("stamp", text, "adc6p4vuaaaaa-aaaaaaaaaaaah"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_stamp_round_trips_through_its_text(time: u64, replica: u64) {
            let stamp = Stamp::new(Time::new(time), ReplicaId::new(replica));
            let text = stamp.to_string();
            prop_assert_eq!(text.len(), 27);
            prop_assert_eq!(text.parse::<Stamp>().ok(), Some(stamp));
            prop_assert_eq!(stamp.time.to_string().parse::<Time>().ok(), Some(stamp.time));
            prop_assert_eq!(stamp.replica.to_string().parse::<ReplicaId>().ok(), Some(stamp.replica));
        }

        #[test]
        fn text_that_parses_as_a_stamp_is_its_text_form(text in "[a-p][a-z2-7]{12}-[a-p][a-z2-7]{12}|.{0,30}") {
            match text.parse::<Stamp>() {
                Ok(stamp) => prop_assert_eq!(stamp.to_string(), text),
                Err(error) => prop_assert!(error.is_value()),
            }
        }
    }
}
