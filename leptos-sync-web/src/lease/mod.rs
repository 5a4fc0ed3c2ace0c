//! Leases of replica ids.
//!
//! A version vector has an entry for each replica id that ever wrote, so a new id for each page
//! load would let it grow without end. Instead, ids come from a pool in the database, which has as
//! many as there ever were tabs at once. A holder that may have forgotten what it wrote must not
//! use an id, so the pool gives out only ids whose last holder saved everything and said so.
//!
//! The Web Locks API tells who lives: a holder holds the lock of its slot in the pool, and the
//! browser releases it when the page dies. `pool` has the rules.

#[cfg(target_arch = "wasm32")]
mod holder;
mod pool;

#[cfg(target_arch = "wasm32")]
pub use holder::Lease;
