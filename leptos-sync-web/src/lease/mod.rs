//! Leases of replica ids.
//!
//! A version vector has an entry for each replica id that ever wrote. With a new id for each page
//! load, it would grow without bound. Instead, ids come from a pool in the database. The pool holds
//! as many ids as there were tabs open at the same time. An id must not be reused if writes of its
//! last holder may be lost, so the pool reuses only ids whose last holder recorded that it saved
//! everything.
//!
//! The Web Locks API reveals which holders are alive. Each holds the lock of its slot in the pool,
//! and the browser releases the lock when the page dies. `pool` contains the rules.

#[cfg(target_arch = "wasm32")]
mod holder;
mod pool;

#[cfg(target_arch = "wasm32")]
pub use holder::Lease;
