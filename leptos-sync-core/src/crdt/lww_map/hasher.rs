//! The hash function of the table. It never leaves the process, so that each platform may have its own.

/// Fast; costs a page 2 KB.
#[cfg(not(all(target_arch = "wasm32", target_os = "unknown")))]
pub(super) use foldhash::fast::RandomState as TableHasher;
/// SipHash with the random keys of this process, which a page has in any case.
#[cfg(all(target_arch = "wasm32", target_os = "unknown"))]
pub(super) use std::hash::RandomState as TableHasher;
