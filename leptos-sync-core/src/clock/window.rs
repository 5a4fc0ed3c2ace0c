use super::Time;
use crate::limits;

/// The range of stamps that a relay accepts, and its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The time below which the relay may have forgotten removals. It rejects earlier stamps.
    pub floor: Time,
    /// The relay's wall clock, in milliseconds since the Unix epoch.
    pub now_ms: u64,
}

impl Window {
    /// Returns whether the relay certainly accepts an operation at `time`.
    ///
    /// Returns false for the floor itself, although relays accept it. In that case, a replica
    /// restamps the operation, which loses nothing.
    pub fn has(&self, time: Time) -> bool {
        self.floor < time && time.ms() <= self.now_ms.saturating_add(limits::DRIFT_MS)
    }
}
