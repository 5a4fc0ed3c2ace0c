//! The hash function of tables. Hashes never leave the process, so platforms may differ.

/// A fast hash. It would add 2 KB to a page, so it is used only outside the browser.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(crate) use foldhash::fast::RandomState as TableHasher;
/// SipHash with random keys, from the standard library. A page contains its code anyway.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(crate) use std::hash::RandomState as TableHasher;
