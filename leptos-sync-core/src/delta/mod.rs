//! Deltas and snapshots: versions and cells in an envelope, to be stored and sent.

mod body;
mod chunk;
mod collect;
mod methods;
#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "parts_js.rs"
)]
mod parts;
mod patch;
mod since;
mod snapshot;

pub use patch::Patch;
pub use since::Delta;
pub use snapshot::Snapshot;

pub(crate) use body::Body;
pub(crate) use chunk::{Chunk, ChunkName};

use methods::message_methods;
