//! Leases of replica ids.
//!
//! A version vector has an entry for each replica id that ever wrote, so with a new id for each
//! page load it would grow without bound. Instead, ids come from a pool in the database, which
//! holds as many as there were tabs open at once. An id must not be reused if writes of its last
//! holder may be lost, so the pool hands out only ids whose last holder recorded that it saved
//! everything.
//!
//! The Web Locks API shows which holders are alive: each holds the lock of its slot in the pool,
//! and the browser releases the lock when the page dies. `pool` contains the rules.

#[cfg(target_arch = "wasm32")]
mod holder;
mod pool;

#[cfg(target_arch = "wasm32")]
pub use holder::Lease;
