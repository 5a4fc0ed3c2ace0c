//! Values that are loaded when they are first used, and pools of them of which only some stay open.

mod once;
mod pool;
mod value;

pub use pool::{LazyPool, PutAway};
pub use value::Lazy;

use once::Once;
