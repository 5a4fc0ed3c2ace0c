use std::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use parking_lot::Mutex;

use crate::Failure;

/// What all connections find out together.
pub(crate) struct Figures {
    /// Times are told from here.
    epoch: Instant,
    /// Edits that were meant to be made within it count.
    window: Mutex<Range<Duration>>,
    /// From the moment an edit was meant to be made until another replica has it.
    pub(crate) delivered: Waits,
    /// From the moment an edit was meant to be made until it is known to be durable.
    pub(crate) acknowledged: Waits,
    /// Connections that are welcome and whose document has come.
    pub(crate) open: AtomicUsize,
    /// Connections that have ended.
    pub(crate) lost: AtomicUsize,
    /// What should not have happened.
    wrong: Mutex<Option<String>>,
}

/// Times that somebody waited, in microseconds.
pub(crate) struct Waits(Mutex<Histogram<u64>>);

/// Microseconds of the longest time that is told from longer ones.
const LONGEST: u64 = 60_000_000;

/// Significant digits of a time that are kept.
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

    /// Counts from nothing what is meant to happen within `window`.
    pub(crate) fn measure(&self, window: Range<Duration>) {
        *self.window.lock() = window;
        self.delivered.0.lock().reset();
        self.acknowledged.0.lock().reset();
    }

    /// Something has come about that was meant to be done at `meant`.
    pub(crate) fn note(&self, waits: &Waits, meant: Duration) {
        if self.window.lock().contains(&meant) {
            let waited = self.now().saturating_sub(meant);
            waits.0.lock().saturating_record(waited.as_micros() as u64);
        }
    }

    pub(crate) fn went_wrong(&self, what: String) {
        self.wrong.lock().get_or_insert(what);
    }

    /// # Errors
    ///
    /// Where something went wrong.
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

    /// The time below which so many of a hundred lie, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: f64) -> f64 {
        self.0.lock().value_at_quantile(percent / 100.0) as f64 / 1000.0
    }
}
