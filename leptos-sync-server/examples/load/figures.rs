use std::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use crate::Failure;

/// The measurements that all connections share.
pub(crate) struct Figures {
    /// The moment from which all times are measured.
    epoch: Instant,
    /// The time window of the edits that are counted, by the time at which each is due.
    window: Mutex<Range<Duration>>,
    /// The times from the moment at which an edit was due until another replica has it.
    pub(crate) delivered: Waits,
    /// The times from the moment at which an edit was due until it is acknowledged.
    pub(crate) acknowledged: Waits,
    /// The number of connections that the relay has welcomed and whose document is up to date.
    pub(crate) open: AtomicUsize,
    /// The number of connections that have ended.
    pub(crate) lost: AtomicUsize,
    /// The first failure.
    wrong: Mutex<Option<String>>,
}

/// A histogram of waiting times in microseconds.
pub(crate) struct Waits(Mutex<Histogram<u64>>);

/// The longest time that is recorded exactly, in microseconds.
const LONGEST: u64 = 60_000_000;

/// The number of significant digits of a recorded time.
const DIGITS: u8 = 3;

impl Figures {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            epoch: Instant::now(),
            window: Mutex::new(Duration::ZERO..Duration::ZERO),
            delivered: Waits::new()?,
            acknowledged: Waits::new()?,
            open: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
            wrong: Mutex::default(),
        })
    }

    pub(crate) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    pub(crate) fn instant(&self, at: Duration) -> tokio::time::Instant {
        (self.epoch + at).into()
    }

    /// Resets the counts. From then on, counts the edits that are due within `window`.
    pub(crate) fn measure(&self, window: Range<Duration>) {
        *self.window.lock() = window;
        self.delivered.0.lock().reset();
        self.acknowledged.0.lock().reset();
    }

    /// Records the completion of an edit that was due at `meant`.
    pub(crate) fn note(&self, waits: &Waits, meant: Duration) {
        if self.window.lock().contains(&meant) {
            let waited = self.now().saturating_sub(meant);
            waits.0.lock().saturating_record(waited.as_micros() as u64);
        }
    }

    pub(crate) fn went_wrong(&self, what: String) {
        self.wrong.lock().get_or_insert(what);
    }

    /// Reports the first failure.
    ///
    /// # Errors
    ///
    /// Returns the failure that [`Figures::went_wrong`] recorded first.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &*self.wrong.lock() {
            Some(what) => Err(what.clone().into()),
            None => Ok(()),
        }
    }

    pub(crate) fn is_open(&self, count: usize) -> bool {
        self.open.load(Ordering::Relaxed) == count
    }
}

impl Waits {
    fn new() -> Result<Self, Failure> {
        let times = Histogram::new_with_bounds(1, LONGEST, DIGITS)?;
        Ok(Self(Mutex::new(times)))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.lock().len()
    }

    /// Returns a percentile in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        self.0.lock().value_at_quantile(percent / 100.0) as f64 / 1000.0
    }
}
