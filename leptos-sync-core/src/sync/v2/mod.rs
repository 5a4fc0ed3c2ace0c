//! Protocol 2, which replaces the protocol of the parent module. Replicas read a document's history
//! by its sequence numbers, so no message lists the replicas that ever wrote.

#[cfg_attr(
    not(test),
    expect(dead_code, reason = "the client and the host follow")
)]
mod message;

pub use super::message::{Channel, Permission, Reason};
pub use message::{Broadcast, PROTOCOL, Request, Response};
