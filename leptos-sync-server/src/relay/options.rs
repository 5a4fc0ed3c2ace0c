use std::{sync::Arc, time::Duration};

use leptos_sync_core::clock::{SystemTime, TimeSource};

use super::{
    origin::{Origin, Origins},
    rates::Rates,
};
use crate::{error::Error, limits};

/// How a relay works.
#[derive(Clone)]
pub struct RelayOptions {
    pub(super) time: Arc<dyn TimeSource>,
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
    /// The system's clock, pages of the relay's own origin, half a minute of silence, and tombstones kept for
    /// [`limits::RETENTION_DAYS`].
    fn default() -> Self {
        Self {
            time: Arc::new(SystemTime),
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
    /// Replaces the system's clock. While `time` returns another unit than milliseconds, the relay rejects all
    /// connections.
    #[must_use]
    pub fn time(mut self, time: impl TimeSource + 'static) -> Self {
        self.time = Arc::new(time);
        self
    }

    /// Milliseconds of silence after which a connection counts as dead.
    #[must_use]
    pub fn silence_ms(mut self, silence_ms: u32) -> Self {
        self.silence_ms = silence_ms;
        self
    }

    /// How long tombstones are kept, [`limits::RETENTION_DAYS`] unless said otherwise; `None` keeps them for ever. A replica that
    /// was away for longer gets the whole state instead of what has changed, and keeps its edits that were never acknowledged:
    /// they are stamped anew.
    ///
    /// Those of a day go together. The relay looks for them every [`limits::SWEEP_MS`], first [`limits::FIRST_SWEEP_MS`] after it
    /// was made within a runtime, or after its first connection. What a crash in the midst left of a document's goes with the
    /// next of that document. However short the time is, what was done within
    /// [`DRIFT_MS`](leptos_sync_core::limits::DRIFT_MS) stays.
    #[must_use]
    pub fn retention(mut self, retention: Option<Duration>) -> Self {
        self.retention = retention;
        self
    }

    /// Lets pages of these origins connect too, besides pages of the relay's own origin. Each has a scheme, a host and, if it is
    /// not the scheme's default, a port: `https://app.example`, `http://localhost:3000`.
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
    /// [`Error::is_invalid`] if one of them is no origin.
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

    /// Sets whether `X-Forwarded-Host` and `X-Forwarded-Proto` state the relay's own origin; by default the relay ignores them.
    /// Enable it only behind a proxy that sets or removes these headers.
    #[must_use]
    pub fn trust_forwarded_headers(mut self, trust: bool) -> Self {
        self.origins.trust_forwarded = trust;
        self
    }

    /// Sets how many documents one connection may have open at a time; the default is [`limits::DOCUMENTS`], the most is
    /// [`CHANNELS`](leptos_sync_core::limits::CHANNELS). A client is told which documents are beyond the limit, and opens them
    /// when it closes others.
    #[must_use]
    pub fn documents(mut self, documents: usize) -> Self {
        self.documents = documents.clamp(1, leptos_sync_core::limits::CHANNELS);
        self
    }

    /// What one connection may bring, [`Rates::CONNECTION`] unless said otherwise.
    #[must_use]
    pub fn connection_rates(mut self, rates: Rates) -> Self {
        self.connection_rates = rates;
        self
    }

    /// What all connections of one user may bring together, [`Rates::user`] unless said otherwise.
    #[must_use]
    pub fn user_rates(mut self, rates: Rates) -> Self {
        self.user_rates = rates;
        self
    }

    /// Answers at `/metrics` of the [`router`](crate::router) with these figures. Whoever may reach that page sees how busy the
    /// relay is, and no names of users or documents.
    #[cfg(feature = "prometheus")]
    #[must_use]
    pub fn prometheus(mut self, figures: crate::Prometheus) -> Self {
        self.prometheus = Some(figures);
        self
    }
}
