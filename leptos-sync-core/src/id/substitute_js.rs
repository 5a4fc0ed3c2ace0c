use std::hash::Hasher as _;

use xxhash_rust::xxh64::Xxh64;

use crate::clock::{SystemTime, TimeSource as _};

/// Returns a number for a page without the browser's `crypto`: a hash of the time and of
/// `Math.random`, which every JavaScript engine seeds per page.
pub(super) fn draw() -> u64 {
    let mut hasher = Xxh64::new(SystemTime.now_ms());
    for _ in 0..2 {
        hasher.write_u64(js_sys::Math::random().to_bits());
    }
    hasher.finish()
}
