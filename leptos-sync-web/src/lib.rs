//! leptos-sync-web

#[cfg(target_arch = "wasm32")]
mod indexed_db;
#[cfg(any(target_arch = "wasm32", test))]
mod lease;
#[cfg(target_arch = "wasm32")]
mod persistence;

#[cfg(target_arch = "wasm32")]
pub use indexed_db::IndexedDbStorage;
#[cfg(target_arch = "wasm32")]
pub use lease::Lease;
#[cfg(target_arch = "wasm32")]
pub use persistence::{StorageEstimate, estimate_storage, request_persistence};
