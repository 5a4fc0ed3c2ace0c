use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

#[cfg(target_arch = "wasm32")]
use leptos_sync_core::Time;
use leptos_sync_core::clock::{SystemTime, TimeSource};

/// Milliseconds by which the device's clock and the relay's may differ before the relay's is followed: less is the time
/// that a message takes.
#[cfg(target_arch = "wasm32")]
const TOLERANCE_MS: u64 = 2_000;

/// What time it is for the documents of a page: as the device says, until a relay says otherwise.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageTime {
    /// Milliseconds by which the device's clock is behind.
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
    /// Takes the relay's time, unless that is not in milliseconds.
    pub(crate) fn follow(&self, now_ms: u64) {
        if self.now_ms().abs_diff(now_ms) > TOLERANCE_MS && Time::try_from_ms(now_ms).is_ok() {
            let behind_ms = now_ms.wrapping_sub(SystemTime.now_ms()).cast_signed();
            self.behind_ms.store(behind_ms, Ordering::Relaxed);
        }
    }
}
