use super::TimeSource;

/// The wall clock of the operating system, or of the browser on wasm32. Nothing else reads the wall
/// clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    #[expect(clippy::disallowed_methods, reason = "the clock's own source of time")]
    fn now_ms(&self) -> u64 {
        // The cast saturates, so a broken clock cannot cause a panic.
        js_sys::Date::now() as u64
    }
}
