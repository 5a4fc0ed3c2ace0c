use super::Time;
use crate::limits;

/// The stamps that a relay accepts, and the time by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Up to here removals may have been forgotten; only later stamps are accepted.
    pub floor: Time,
    /// The relay's wall clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

impl Window {
    /// Whether the relay accepts an operation of that time.
    pub fn has(&self, time: Time) -> bool {
        self.floor < time && time.ms() <= self.now_ms.saturating_add(limits::DRIFT_MS)
    }
}
