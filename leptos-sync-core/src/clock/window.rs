use super::Time;
use crate::limits;

/// The stamps that a relay accepts, and the time by its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Before it removals may have been forgotten: earlier stamps are refused.
    pub floor: Time,
    /// The relay's wall clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

impl Window {
    /// Whether the relay surely accepts an operation of that time. Not at the floor itself, though relays accept that too: a
    /// replica stamps it anew, and loses nothing by it.
    pub fn has(&self, time: Time) -> bool {
        self.floor < time && time.ms() <= self.now_ms.saturating_add(limits::DRIFT_MS)
    }
}
