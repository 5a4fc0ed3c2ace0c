//! Hybrid logical clocks: stamps that follow the wall clock but never go backwards.
//!
//! The method is Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally
//! Distributed Databases" (2014), packed into one integer: 48 bits of milliseconds since the Unix
//! epoch and 16 bits of counter. Unlike in the paper, the counter carries into the milliseconds
//! instead of waiting.

mod hlc;
#[cfg(any(test, feature = "testing"))]
mod manual;
#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "source_js.rs"
)]
mod source;
mod stamp;
mod window;

pub use hlc::{Clock, TimeSource};
#[cfg(any(test, feature = "testing"))]
pub use manual::ManualTime;
pub use source::SystemTime;
pub use stamp::{Stamp, Time};
pub use window::Window;
