use super::TimeSource;

/// The wall clock of the operating system, or of the browser in wasm32.
///
/// The only place that reads the wall clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemTime;

impl TimeSource for SystemTime {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock's own source of time"
    )]
    fn now_ms(&self) -> u64 {
        // A float-to-integer cast saturates, so that a broken clock cannot panic.
        js_sys::Date::now() as u64
    }
}
