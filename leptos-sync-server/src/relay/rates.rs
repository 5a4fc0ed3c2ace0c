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

/// A rate: an amount per second, and a burst that is allowed after a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    per_second: u32,
    burst: u32,
}

impl Rate {
    /// Creates a rate of `per_second` on average, with bursts of up to `burst`. Zero is treated as
    /// one.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }

    pub(super) fn times(self, factor: u32) -> Self {
        Self {
            per_second: self.per_second.saturating_mul(factor),
            burst: self.burst.saturating_mul(factor),
        }
    }

    /// Returns the time after which the whole burst is allowed again.
    fn rest(self) -> Duration {
        Duration::from_secs(u64::from(self.burst) / u64::from(self.per_second.max(1)) + 1)
    }
}

/// The rates of a connection or a user. If a client exceeds them, the relay pauses reading. It then
/// answers edits later, but loses none.
///
/// ```
/// use leptos_sync_server::{Rate, Rates, RelayOptions};
///
/// // 50 frames per second on average, with bursts of 500.
/// let rates = Rates::CONNECTION.frames(Rate::new(50, 500));
/// let options = RelayOptions::default().connection_rates(rates);
/// # drop(options);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    pub(super) frames: Rate,
    pub(super) bytes: Rate,
    pub(super) presence: Rate,
}

impl Rates {
    /// The default rates of one connection.
    pub const CONNECTION: Self = Self {
        frames: Rate::new(limits::FRAMES_PER_S, limits::FRAMES_BURST),
        bytes: Rate::new(limits::BYTES_PER_S, limits::BYTES_BURST),
        presence: Rate::new(limits::PRESENCE_PER_S, limits::PRESENCE_BURST),
    };

    /// Returns the default rates of all connections of a user together: those of
    /// [`limits::USER_SHARE`] connections.
    pub fn user() -> Self {
        Self {
            frames: Self::CONNECTION.frames.times(limits::USER_SHARE),
            bytes: Self::CONNECTION.bytes.times(limits::USER_SHARE),
            presence: Self::CONNECTION.presence.times(limits::USER_SHARE),
        }
    }

    /// Sets the rate of frames of any kind.
    #[must_use]
    pub const fn frames(mut self, rate: Rate) -> Self {
        self.frames = rate;
        self
    }

    /// Sets the rate of the bytes of all frames. A frame larger than the burst is counted as the
    /// burst. Each cell that a client sends is counted as another [`limits::CELL_COST`] bytes.
    #[must_use]
    pub const fn bytes(mut self, rate: Rate) -> Self {
        self.bytes = rate;
        self
    }

    /// Sets the rate of presence that is sent to others. If a client sends it faster, the relay
    /// forwards the latest presence when the rate permits it. If a client sends it [far
    /// faster](limits::PRESENCE_FLOOD), its connection ends.
    #[must_use]
    pub const fn presence(mut self, rate: Rate) -> Self {
        self.presence = rate;
        self
    }

    /// Returns the time after which all bursts are allowed again.
    pub(super) fn rest(self) -> Duration {
        let rates = [self.frames, self.bytes, self.presence];
        rates.into_iter().map(Rate::rest).max().unwrap_or_default()
    }
}

/// The limiters of a connection or a user, one for each rate.
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

/// A limiter for one rate (GCRA).
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

    /// Counts an amount. If it is too soon, counts nothing and returns the time at which to try
    /// again.
    pub(super) fn take(&self, count: usize) -> Result<(), Instant> {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let Some(count) = NonZeroU32::new(count) else {
            return Ok(());
        };
        match self.limiter.check_n(count.min(self.burst)) {
            Ok(Err(later)) => Err(Instant::from_std(later.earliest_possible())),
            // The second error is impossible, because the amount is at most the burst.
            Ok(Ok(())) | Err(_) => Ok(()),
        }
    }
}

/// The greatest rate per second, since the limiter counts in nanoseconds.
const NANOS: u32 = 1_000_000_000;

/// The clock of the runtime, which tests control.
#[derive(Clone, Copy)]
struct RuntimeClock;

impl Clock for RuntimeClock {
    type Instant = StdInstant;

    fn now(&self) -> StdInstant {
        Instant::now().into_std()
    }
}
