//! Protocol 2, which replaces the protocol of the parent module. Replicas read a document's history
//! by its sequence numbers, so no message lists the replicas that ever wrote.

mod client;
mod host;
mod message;

pub use super::{
    link::ConnectionAction,
    message::{Channel, Permission, Reason},
};
pub use client::{Client, Document};
pub use host::{ClientRequest, Host};
pub use message::{Broadcast, PROTOCOL, Request, Response, TabMessage, TabMessageKind};
