use std::{
    hash::{Hash as _, Hasher as _},
    time::Instant,
};

use xxhash_rust::xxh64::Xxh64;

use crate::clock::{SystemTime, TimeSource as _};

/// Returns a number for a platform without random bytes: a hash of the time in nanoseconds and of
/// addresses that most systems randomize per process.
pub(super) fn draw() -> u64 {
    let on_stack = 0_u8;
    let on_heap = Box::new(0_u8);
    let mut hasher = Xxh64::new(0);
    Instant::now().hash(&mut hasher);
    hasher.write_u64(SystemTime.now_ms());
    hasher.write_usize(std::ptr::from_ref(&on_stack).addr());
    hasher.write_usize(std::ptr::from_ref(&*on_heap).addr());
    hasher.finish()
}
