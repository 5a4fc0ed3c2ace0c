use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::TimeSource;

/// Time that stands still until it is told to move, for tests and simulations.
///
/// Clones share one time.
#[derive(Clone, Debug, Default)]
pub struct ManualTime(Arc<AtomicU64>);

impl ManualTime {
    /// Time that stands at `ms` milliseconds since the Unix epoch.
    pub fn at(ms: u64) -> Self {
        Self(Arc::new(AtomicU64::new(ms)))
    }

    /// Jumps to `ms`, forwards or backwards.
    pub fn set(&self, ms: u64) {
        self.0.store(ms, Ordering::Relaxed);
    }

    /// Moves forward by `ms`.
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }
}

impl TimeSource for ManualTime {
    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
