use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::{error::Error, limits};

/// The observations of writes to the log, for the health check.
#[derive(Clone, Default)]
pub(super) struct Writes(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// The size of the largest write that has failed since a write of that size succeeded.
    failed: Option<usize>,
    /// The times at which the unanswered writes began.
    waiting: BTreeMap<u64, Instant>,
    next: u64,
}

/// A write that waits for the log. It ends when this is dropped.
pub(super) struct Write {
    writes: Writes,
    number: u64,
    bytes: usize,
}

impl Writes {
    /// Records that a write begins.
    pub(super) fn begin(&self, bytes: usize) -> Write {
        let mut state = self.0.lock();
        let number = state.next;
        state.next += 1;
        state.waiting.insert(number, Instant::now());
        Write {
            writes: self.clone(),
            number,
            bytes,
        }
    }

    /// Records that the log could not be used.
    pub(super) fn fail(&self, bytes: usize) {
        let failed = &mut self.0.lock().failed;
        *failed = (*failed).max(Some(bytes));
    }

    /// Returns the size in bytes of the largest write that has failed since a write of that size
    /// succeeded.
    pub(super) fn failed(&self) -> Option<usize> {
        self.0.lock().failed
    }

    /// Returns whether a write has waited too long.
    pub(super) fn is_stalled(&self) -> bool {
        let limit = Duration::from_millis(limits::STALLED_MS);
        let state = self.0.lock();
        let first = state.waiting.first_key_value();
        first.is_some_and(|(_, begun)| begun.elapsed() >= limit)
    }
}

impl Write {
    /// Records the answer of the log.
    pub(super) fn end<T>(self, done: &Result<T, Error>) {
        match done {
            Ok(_) => {
                let failed = &mut self.writes.0.lock().failed;
                *failed = (*failed).filter(|&failed| failed > self.bytes);
            }
            Err(error) if error.is_unavailable() => self.writes.fail(self.bytes),
            // The log works, but does not accept this write.
            Err(_) => {}
        }
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        self.writes.0.lock().waiting.remove(&self.number);
    }
}
