use std::{
    num::NonZeroU32,
    time::{Duration, Instant as StdInstant},
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

use crate::limits;

/// How much is allowed in a second, and how much at once after a rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

impl Rate {
    /// So many a second in the long run, and so many at once; both at least one.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    pub(super) fn times(self, factor: u32) -> Self {
        Self {
            per_second: self.per_second.saturating_mul(factor),
            burst: self.burst.saturating_mul(factor),
        }
    }

    /// How long it takes until everything is allowed again that is allowed at once.
    fn rest(self) -> Duration {
        Duration::from_secs(u64::from(self.burst) / u64::from(self.per_second.max(1)) + 1)
    }
}

/// How much somebody may bring. Beyond it the relay reads no further for a while, so nothing is lost: edits are answered later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// Frames of any kind.
    pub frames: Rate,
    /// Bytes of these frames. What is larger than all that is allowed at once is taken as that.
    pub bytes: Rate,
    /// Presence as it is told to others. Of what comes faster, the latest is told when it is time; what comes
    /// [faster by far](limits::PRESENCE_FLOOD) ends the connection.
    pub presence: Rate,
}

impl Rates {
    /// What one connection may bring unless the options say otherwise.
    pub const CONNECTION: Self = Self {
        frames: Rate::new(limits::FRAMES_PER_S, limits::FRAMES_BURST),
        bytes: Rate::new(limits::BYTES_PER_S, limits::BYTES_BURST),
        presence: Rate::new(limits::PRESENCE_PER_S, limits::PRESENCE_BURST),
    };

    /// What all connections of a user may bring together: [as much as some](limits::USER_SHARE) busy ones.
    pub fn user() -> Self {
        Self {
            frames: Self::CONNECTION.frames.times(limits::USER_SHARE),
            bytes: Self::CONNECTION.bytes.times(limits::USER_SHARE),
            presence: Self::CONNECTION.presence.times(limits::USER_SHARE),
        }
    }

    /// After how long a rest nothing is left to be counted.
    pub(super) fn rest(self) -> Duration {
        let rates = [self.frames, self.bytes, self.presence];
        rates.into_iter().map(Rate::rest).max().unwrap_or_default()
    }
}

/// What somebody has brought, against their rates.
pub(super) struct Limiters {
    pub(super) frames: Limiter,
    pub(super) bytes: Limiter,
    pub(super) presence: Limiter,
}

impl Limiters {
    pub(super) fn new(rates: Rates) -> Self {
        Self {
            frames: Limiter::new(rates.frames),
            bytes: Limiter::new(rates.bytes),
            presence: Limiter::new(rates.presence),
        }
    }
}

/// One rate, and what was counted against it.
pub(super) struct Limiter {
    limiter: RateLimiter<NotKeyed, InMemoryState, RuntimeClock, NoOpMiddleware<StdInstant>>,
    burst: NonZeroU32,
}

impl Limiter {
    pub(super) fn new(rate: Rate) -> Self {
        let burst = NonZeroU32::new(rate.burst).unwrap_or(NonZeroU32::MIN);
        let per_second = NonZeroU32::new(rate.per_second.min(NANOS)).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self {
            limiter: RateLimiter::direct_with_clock(quota, RuntimeClock),
            burst,
        }
    }

    /// Counts so many; where that is too soon, counts nothing and tells when to ask again.
    pub(super) fn take(&self, count: usize) -> Result<(), Instant> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let Some(count) = NonZeroU32::new(count) else {
            return Ok(());
        };
        match self.limiter.check_n(count.min(self.burst)) {
            Ok(Err(later)) => Err(Instant::from_std(later.earliest_possible())),
            // No more than the burst is asked for.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// The limiter counts in nanoseconds: nothing is allowed more often.
const NANOS: u32 = 1_000_000_000;

/// The runtime's clock, which tests rule.
#[derive(Clone, Copy)]
struct RuntimeClock;

impl Clock for RuntimeClock {
    type Instant = StdInstant;

    fn now(&self) -> StdInstant {
        Instant::now().into_std()
    }
}
