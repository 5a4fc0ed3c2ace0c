//! What a replica and its relay say to each other. `docs/protocol.md` gives every byte.

mod broadcast;
mod fields;
mod permission;
mod reason;
mod request;
mod response;
mod tab;
#[cfg(test)]
mod tests;

pub use broadcast::Broadcast;
pub use permission::Permission;
pub use reason::Reason;
pub use request::Request;
pub use response::Response;
pub use tab::{TabMessage, TabMessageKind};

use crate::error::Error;

/// The protocol that this build speaks.
pub const PROTOCOL: u16 = 1;

/// The oldest protocol that this build understands.
pub const PROTOCOL_FLOOR: u16 = 1;

/// The document that a message is about: a number that the replica chose when it opened it, for as long as the
/// connection lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(pub u32);

/// A message in either direction.
pub(crate) trait Message: Sized {
    /// Appends the message's bytes; `deflate` says whether the receiver reads compressed envelopes. O(bytes).
    fn encode(&self, deflate: bool, out: &mut Vec<u8>);

    /// Reads and checks a message. Allocates in proportion to `bytes`.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
}
