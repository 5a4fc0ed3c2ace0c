//! The messages of protocol 2. `docs/protocol.md` specifies every byte.

mod answers;
mod broadcast;
mod fields;
mod push;
mod request;
mod response;
mod tab;
#[cfg(test)]
pub(super) mod tests;

pub use broadcast::Broadcast;
pub use request::Request;
pub use response::Response;
pub use tab::{TabMessage, TabMessageKind};

/// The only protocol version that these messages belong to.
pub const PROTOCOL: u16 = 2;
