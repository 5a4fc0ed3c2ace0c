//! The protocol between clients and relays: messages and the state machines of both ends. This
//! module does no IO and reads no clock.

mod client;
mod frame;
mod host;
mod message;
mod parts;
#[doc(hidden)]
pub mod v2;

pub use crate::delta::Restamped;
pub use client::{Client, ConnectionAction, Document};
pub use host::{ClientRequest, Host};
pub use message::{
    Broadcast, Channel, PROTOCOL, PROTOCOL_FLOOR, Permission, Reason, Request, Response,
    TabMessage, TabMessageKind,
};
