//! Deltas and snapshots, the messages that are stored and sent: envelopes of versions and cells.

mod body;
mod chunk;
mod collect;
mod methods;
#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "parts_js.rs"
)]
mod parts;
mod restamped;
mod since;
mod snapshot;

pub use restamped::Restamped;
pub use since::Delta;
pub use snapshot::Snapshot;

pub(crate) use body::Body;
pub(crate) use chunk::{Chunk, ChunkName};

use methods::message_methods;
