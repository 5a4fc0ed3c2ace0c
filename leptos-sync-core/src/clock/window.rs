use super::Time;
use crate::limits;

/// The range of stamps that a relay accepts for a document, and the relay's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Window {
    /// The time below which the relay may have forgotten removals. It rejects an earlier entry if
    /// the document lacks a cell at one of the entry's paths.
    pub floor: Time,
    /// The relay's wall clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
    /// The latest time of the document's operations at the relay. If a clock was once wrong, it is
    /// in the future.
    pub latest: Time,
}

impl Window {
    /// Returns whether the relay certainly accepts an operation at `time`: it is at most
    /// [`limits::DRIFT_MS`] ahead of the relay's clock, or directly follows the latest operation.
    ///
    /// So a document with stamps from the future can still be edited, and its time does not advance
    /// faster than one step per transaction. Returns false for the floor itself, although relays
    /// accept it: a replica then restamps the operation, which loses nothing.
    pub fn has(&self, time: Time) -> bool {
        self.floor < time && !self.is_ahead(time)
    }

    /// Returns whether `time` is too far ahead for the relay, regardless of the floor.
    pub fn is_ahead(&self, time: Time) -> bool {
        time.ms() > self.now_ms.saturating_add(limits::DRIFT_MS)
            && (time > self.latest.next() || time.ms() >= limits::CLOCK_MS)
    }

    /// Records that the relay accepts an operation at `time`.
    pub fn accept(&mut self, time: Time) {
        self.latest = self.latest.max(time);
    }
}
