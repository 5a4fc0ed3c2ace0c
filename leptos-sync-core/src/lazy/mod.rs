//! Values that are loaded on first use, and pools that keep some of them open.

mod once;
mod pool;
mod value;

pub use pool::{Evictable, LazyPool};
pub use value::Lazy;

use once::Once;
