use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

#[cfg(target_arch = "wasm32")]
use leptos_sync_core::Time;
use leptos_sync_core::clock::{SystemTime, TimeSource};

/// The minimum difference in milliseconds between the device's clock and the relay's for which the
/// page follows the relay. A smaller difference may be the time that a message takes.
#[cfg(target_arch = "wasm32")]
const TOLERANCE_MS: u64 = 2_000;

/// The time source for the documents of a page: the device's clock, corrected by the relay's.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageTime {
    /// The milliseconds by which the device's clock is behind.
    behind_ms: Arc<AtomicI64>,
}

impl TimeSource for PageTime {
    fn now_ms(&self) -> u64 {
        let behind_ms = self.behind_ms.load(Ordering::Relaxed);
        SystemTime.now_ms().saturating_add_signed(behind_ms)
    }
}

#[cfg(target_arch = "wasm32")]
impl PageTime {
    /// Adopts the relay's time, unless it is not in milliseconds.
    pub(crate) fn follow(&self, now_ms: u64) {
        if self.now_ms().abs_diff(now_ms) > TOLERANCE_MS && Time::try_from_ms(now_ms).is_ok() {
            let behind_ms = now_ms.wrapping_sub(SystemTime.now_ms()).cast_signed();
            self.behind_ms.store(behind_ms, Ordering::Relaxed);
        }
    }
}
