//! The protocol between clients and relays: messages and the state machines of both ends. This
//! module does no IO and reads no clock.

mod client;
mod exchanges;
mod frame;
mod host;
mod host_link;
mod link;
mod message;
mod retry;

pub(crate) use message::{Fields, Writer};

pub use client::{Client, Document};
pub use host::{ClientRequest, Host};
pub use link::ConnectionAction;
pub use message::{
    Broadcast, Channel, PROTOCOL, Permission, Reason, Request, Response, TabMessage, TabMessageKind,
};
