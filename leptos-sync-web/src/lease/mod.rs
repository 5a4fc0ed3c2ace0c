//! Leases of replica ids.
//!
//! A version vector has an entry for every replica id that ever wrote, so an id for each page load would let it grow
//! without end. Ids come from a pool in the database instead; the pool has as many as there ever were tabs at once.
//! And since an id must never be used by a holder that may have forgotten what it wrote, the pool gives out only ids
//! whose last holder saved everything and said so.
//!
//! Who lives is known from the Web Locks API: a holder holds the lock of its slot in the pool, and the browser lets go of
//! it when the page dies, however it dies. See `pool` for what follows from it.

#[cfg(target_arch = "wasm32")]
mod holder;
mod pool;

#[cfg(target_arch = "wasm32")]
pub use holder::Lease;
