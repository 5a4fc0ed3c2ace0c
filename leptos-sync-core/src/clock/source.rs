use super::TimeSource;

/// The wall clock of the operating system, or of the browser on wasm32. Nothing else reads the wall
/// clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the clock's own source of time")]
    fn now_ms(&self) -> u64 {
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |since| {
                // Use 64-bit arithmetic: `as_millis` returns a `u128`.
                let ms = since.as_secs().saturating_mul(1000);
                ms.saturating_add(u64::from(since.subsec_millis()))
            })
    }
}
