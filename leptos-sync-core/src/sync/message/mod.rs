//! The messages between clients and relays, and between tabs. `docs/protocol.md` specifies every
//! byte.

mod answers;
mod broadcast;
#[cfg(test)]
mod checks;
mod encodings;
mod fields;
mod history;
mod permission;
mod push;
mod reason;
mod request;
mod response;
mod tab;
#[cfg(test)]
pub(super) mod tests;

pub(crate) use fields::{Fields, Writer};

pub use broadcast::Broadcast;
pub use permission::Permission;
pub use reason::Reason;
pub use request::Request;
pub use response::Response;
pub use tab::{TabMessage, TabMessageKind};

use crate::error::Error;

/// The only protocol version that this build supports.
pub const PROTOCOL: u16 = 2;

/// The number of a document on a connection, which the client chooses when it opens the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(pub u32);

/// A message in either direction.
pub(crate) trait Message: Sized {
    /// Appends the encoded message. `deflate` is true if the receiver reads compressed envelopes.
    /// O(bytes).
    fn encode(&self, deflate: bool, out: &mut Vec<u8>);

    /// Decodes and checks a message. Allocations are proportional to `bytes`.
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
}
