use std::time::Duration;

use leptos_sync_core::clock::TimeSource;

use super::{
    clock::RelayClock,
    origin::{Origin, Origins},
    rates::Rates,
};
use crate::{error::Error, limits, log::SealKey};

/// The options of a [`Relay`](super::Relay).
///
/// ```
/// use std::time::Duration;
///
/// use leptos_sync_server::{AllowAnyone, MemoryLog, Relay, RelayOptions};
///
/// let options = RelayOptions::default()
///     .allow_origins(["https://app.example"])?
///     .retention(Some(Duration::from_secs(30 * 24 * 60 * 60)));
/// let relay = Relay::with_options(MemoryLog::new()?, AllowAnyone, options);
/// # drop(relay);
/// # Ok::<(), leptos_sync_server::Error>(())
/// ```
#[derive(Clone)]
pub struct RelayOptions {
    pub(super) clock: RelayClock,
    pub(super) seal_key: Option<SealKey>,
    pub(super) accepts_unproven: bool,
    pub(super) silence_ms: u32,
    pub(super) retention: Option<Duration>,
    pub(super) origins: Origins,
    pub(super) documents: usize,
    pub(super) connection_rates: Rates,
    pub(super) user_rates: Rates,
    #[cfg(feature = "prometheus")]
    pub(super) prometheus: Option<crate::Prometheus>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Default for RelayOptions {
    /// Returns options with the system's clock, no foreign origins, a silence of
    /// [`limits::SILENCE_MS`] and a retention of [`limits::RETENTION_DAYS`].
    fn default() -> Self {
        Self {
            clock: RelayClock::default(),
            seal_key: None,
            accepts_unproven: false,
            silence_ms: limits::SILENCE_MS,
            retention: Some(DAY * limits::RETENTION_DAYS),
            origins: Origins::default(),
            documents: limits::DOCUMENTS,
            connection_rates: Rates::CONNECTION,
            user_rates: Rates::user(),
            #[cfg(feature = "prometheus")]
            prometheus: None,
        }
    }
}

impl RelayOptions {
    /// Replaces the system's clock. The relay rejects all connections while the values of `time`
    /// are not in milliseconds. It follows this clock immediately when the clock jumps, unless
    /// [`boot_time`](RelayOptions::boot_time) is set afterwards.
    #[must_use]
    pub fn time(mut self, time: impl TimeSource + 'static) -> Self {
        self.clock = self.clock.with_wall(time);
        self
    }

    /// Replaces the clock with which the relay compares the wall clock, to detect jumps of the wall
    /// clock. `boot` counts milliseconds from an arbitrary start and must never be adjusted. The
    /// default is the time since the machine was booted.
    #[must_use]
    pub fn boot_time(mut self, boot: impl TimeSource + 'static) -> Self {
        self.clock = self.clock.compared_with(boot);
        self
    }

    /// Sets how long the wall clock must be stable after a jump before the relay uses it; the
    /// default is [`limits::CLOCK_SETTLE_MS`]. Meanwhile, the relay continues with the old time,
    /// forgets no tombstones and logs the jump, and `/healthz` answers 200 with a warning.
    #[must_use]
    pub fn clock_settle(mut self, settle: Duration) -> Self {
        let ms = u64::try_from(settle.as_millis()).unwrap_or(u64::MAX);
        self.clock = self.clock.settling_in(ms);
        self
    }

    /// Sets the key with which the relay seals the states that it reports to clients. The default
    /// is the [key of the log](crate::DurableLog::seal_key), or else a new random key.
    ///
    /// A relay with a durable log needs the same key after each start. Otherwise, all clients
    /// compare all their data with the relay's, and cannot restore what others had written and the
    /// relay has lost, unless the relay [accepts it unproven](RelayOptions::accept_unproven).
    #[must_use]
    pub fn seal_key(mut self, key: SealKey) -> Self {
        self.seal_key = Some(key);
        self
    }

    /// Sets whether clients may restore edits of other users without proving that the relay had
    /// them; the default is `false`.
    ///
    /// The proof depends on the [key](RelayOptions::seal_key). If a restored relay has another key,
    /// a page that holds such edits cannot finish its comparison, and sends no new edits, until
    /// their author restores them. Then set this until these pages have connected once. Meanwhile,
    /// each user who may write a document can also forge edits of its other users.
    #[must_use]
    pub fn accept_unproven(mut self, accepts: bool) -> Self {
        self.accepts_unproven = accepts;
        self
    }

    /// Sets the silence in milliseconds after which a connection is considered dead. Clients send a
    /// heartbeat after a third of it.
    #[must_use]
    pub fn silence_ms(mut self, silence_ms: u32) -> Self {
        self.silence_ms = silence_ms;
        self
    }

    /// Sets how long the relay keeps tombstones; the default is [`limits::RETENTION_DAYS`], and
    /// `None` keeps them forever. Clients that were offline longer compare all their cells with the
    /// relay's. They keep and restamp their unsent edits.
    ///
    /// The relay removes the tombstones of a whole day together. It looks for old ones every
    /// [`limits::SWEEP_MS`]. The first search begins [`limits::FIRST_SWEEP_MS`] after the relay is
    /// created in a runtime, or otherwise after its first connection. Tombstones younger than
    /// [`DRIFT_MS`](leptos_sync_core::limits::DRIFT_MS) always stay.
    #[must_use]
    pub fn retention(mut self, retention: Option<Duration>) -> Self {
        self.retention = retention;
        self
    }

    /// Allows pages of these origins to connect, besides pages of the relay's own origin. An origin
    /// has a scheme, a host and, if it is not the scheme's default, a port: `https://app.example`,
    /// `http://localhost:3000`.
    ///
    /// ```
    /// use leptos_sync_server::RelayOptions;
    ///
    /// let options = RelayOptions::default().allow_origins(["https://app.example"])?;
    /// assert!(options.allow_origins(["app.example"]).is_err_and(|error| error.is_invalid()));
    /// # Ok::<(), leptos_sync_server::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::is_invalid`] if a text is not an origin.
    pub fn allow_origins(
        mut self,
        origins: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> Result<Self, Error> {
        for origin in origins {
            let origin = Origin::allowed(origin.as_ref())?;
            self.origins.allowed.push(origin);
        }
        Ok(self)
    }

    /// Sets whether the relay takes its own origin from `X-Forwarded-Host` and `X-Forwarded-Proto`;
    /// by default it ignores them. Enable it only behind a proxy that sets or removes these
    /// headers.
    #[must_use]
    pub fn trust_forwarded_headers(mut self, trust: bool) -> Self {
        self.origins.trust_forwarded = trust;
        self
    }

    /// Sets how many documents one connection may have open; the default is [`limits::DOCUMENTS`],
    /// the maximum is [`CHANNELS`](leptos_sync_core::limits::CHANNELS). A client opens the
    /// documents beyond the limit when it closes others.
    #[must_use]
    pub fn documents(mut self, documents: usize) -> Self {
        self.documents = documents.clamp(1, leptos_sync_core::limits::CHANNELS);
        self
    }

    /// Sets the rates of each connection; the default is [`Rates::CONNECTION`].
    #[must_use]
    pub fn connection_rates(mut self, rates: Rates) -> Self {
        self.connection_rates = rates;
        self
    }

    /// Sets the combined rates of all connections of a user; the default is [`Rates::user`].
    #[must_use]
    pub fn user_rates(mut self, rates: Rates) -> Self {
        self.user_rates = rates;
        self
    }

    /// Serves these metrics at `/metrics` of the [`router`](crate::router). They show how busy the
    /// relay is, and contain no names of users or documents.
    #[cfg(feature = "prometheus")]
    #[must_use]
    pub fn prometheus(mut self, metrics: crate::Prometheus) -> Self {
        self.prometheus = Some(metrics);
        self
    }
}
