//! Hybrid logical time: stamps that follow the wall clock, and never go backwards when it does.
//!
//! The method is Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed
//! Databases" (2014), in the packed form: 48 bits of milliseconds since the Unix epoch, 16 bits of counter, as one
//! integer. It departs from the paper in that the counter carries into the milliseconds instead of waiting, so that
//! a tick cannot fail.

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
