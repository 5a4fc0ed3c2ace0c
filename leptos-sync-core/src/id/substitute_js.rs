use xxhash_rust::xxh64::xxh64;

use crate::clock::{SystemTime, TimeSource as _};

/// Returns a number for a page without the browser's `crypto`: a hash of the time and of
/// `Math.random`, which every JavaScript engine seeds per page.
// In one call: a hasher that takes several would add 0.5 KB to a page.
pub(super) fn draw() -> u64 {
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        half.copy_from_slice(&js_sys::Math::random().to_bits().to_le_bytes());
    }
    xxh64(&bytes, SystemTime.now_ms())
}
