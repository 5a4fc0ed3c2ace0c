//! Ids of writers and of user-created items.

mod letters;
mod replica;
mod source;
#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "substitute_js.rs"
)]
mod substitute;
mod unique;

pub(crate) use letters::{Letters, not_a};
pub use replica::ReplicaId;
pub(crate) use source::{IdSource, Random};
pub use unique::Id;
