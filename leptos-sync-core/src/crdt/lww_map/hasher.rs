//! The hash function of the table. Hashes never leave the process, so platforms may differ.

/// A fast hash, which would add 2 KB to a page.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(super) use foldhash::fast::RandomState as TableHasher;
/// SipHash with random keys, which a page contains anyway.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(super) use std::hash::RandomState as TableHasher;
