//! The relay's end of a connection.

mod exchange;
mod request;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use self::exchange::Exchange;
use super::message::{Broadcast, PROTOCOL, Request, Response};
use crate::{
    error::Error,
    limits,
    sync::{
        host_link::{HostLink, Stage, not_introduced, reason, too_many_channels},
        message::{Channel, Reason},
    },
};

pub use request::ClientRequest;

/// The relay's end of one connection, which enforces the protocol.
///
/// It turns frames into [`ClientRequest`]s that are in order and within the limits, and responses
/// into frames. It knows the permission that the relay has sent, and rejects changes by users who
/// may only read. It does not know the content of documents.
///
/// ```text
/// frames ─▶ receive ─▶ ClientRequest ─▶ (the relay) ─▶ Response ─▶ send ─▶ next_frame ─▶ frames
/// ```
///
/// A client may open a document again while the relay still handles its requests. The relay then
/// drops the answers to those requests.
#[derive(Default)]
pub struct Host {
    link: HostLink,
    channels: BTreeMap<Channel, Exchange>,
}

impl Host {
    /// Creates the state of a new connection.
    pub fn new() -> Self {
        Self::default()
    }

    /// Handles a frame. Returns a request once a message is complete. O(bytes).
    ///
    /// # Errors
    ///
    /// If the frame violates the protocol. The client is notified, and further frames are ignored.
    pub fn receive(&mut self, frame: &[u8]) -> Result<Option<ClientRequest>, Error> {
        let taken = self.link.receive(frame);
        let asked = taken.and_then(|request| request.map_or(Ok(None), |request| self.ask(request)));
        asked.inspect_err(|error| self.bye(reason(error), &error.to_string()))
    }

    /// Admits the client, or confirms its new credentials.
    pub fn welcome(&mut self, protocol: u16, now_ms: u64, silence_ms: u32) {
        match self.link.stage() {
            Stage::Introduced => {
                self.link.admit();
                self.send(&Response::Welcome {
                    protocol,
                    now_ms,
                    silence_ms,
                });
            }
            Stage::Welcome => self.send(&Response::Renewed),
            Stage::Silent | Stage::Over => {}
        }
    }

    /// Returns whether the client is admitted.
    pub fn is_welcome(&self) -> bool {
        self.link.stage() == Stage::Welcome
    }

    /// Returns whether the last message was sent.
    pub fn is_over(&self) -> bool {
        self.link.stage() == Stage::Over
    }

    /// Ends the connection. The driver should still send the queued frames; the `Bye` is the last
    /// one.
    pub fn bye(&mut self, reason: Reason, text: &str) {
        let text = text.to_owned();
        self.send(&Response::Bye { reason, text });
        self.channels.clear();
    }

    /// Sends a response. [`Response::Closed`] and [`Response::Removed`] close their document.
    pub fn send(&mut self, response: &Response) {
        if self.is_over() {
            return;
        }
        if let Response::Closed {
            channel,
            reason: Reason::TooManyDocuments,
            ..
        } = response
        {
            // The document was not open before, so no other message about it is in flight.
            self.channels.remove(channel);
        } else if let Some(channel) = response.channel()
            && let Some(exchange) = self.channels.get_mut(&channel)
        {
            exchange.send(response);
        }
        self.link.say(response);
        if let Response::Bye { .. } = response {
            self.link.end();
        }
    }

    /// Sends a page that was not asked for to a client that has read everything before it. The page
    /// is encoded once for all receivers.
    pub fn broadcast(&mut self, channel: Channel, page: &Broadcast) {
        self.link
            .write(|deflate, out| page.write(channel, deflate, out));
    }

    /// Returns the next frame to send.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        self.link.next_frame()
    }

    fn ask(&mut self, request: Request) -> Result<Option<ClientRequest>, Error> {
        match (self.link.stage(), request) {
            (
                Stage::Silent,
                Request::Hello {
                    newest,
                    oldest,
                    deflate,
                    credentials,
                },
            ) => {
                let supported = (PROTOCOL, PROTOCOL);
                let protocol = self.link.hello((oldest, newest), deflate, supported)?;
                Ok(Some(ClientRequest::Admission {
                    protocol,
                    credentials,
                    again: false,
                }))
            }
            (Stage::Welcome, request) => self.ask_welcome(request),
            _ => Err(not_introduced()),
        }
    }

    fn ask_welcome(&mut self, request: Request) -> Result<Option<ClientRequest>, Error> {
        Ok(Some(match request {
            Request::Hello { .. } => return Err(Error::corrupt("the client sent a second hello")),
            Request::Renew { credentials } => ClientRequest::Admission {
                protocol: PROTOCOL,
                credentials,
                again: true,
            },
            Request::Open {
                channel,
                document,
                schema,
                opening,
            } => {
                if !self.channels.contains_key(&channel) && self.channels.len() >= limits::CHANNELS
                {
                    return Err(too_many_channels());
                }
                self.channels.insert(channel, Exchange::default());
                ClientRequest::Open {
                    channel,
                    document,
                    schema,
                    opening,
                }
            }
            Request::Leave { channel } => {
                self.channels.remove(&channel);
                ClientRequest::Leave { channel }
            }
            Request::Ping => ClientRequest::Ping,
            Request::Epochs { channel, .. }
            | Request::Read { channel, .. }
            | Request::Range { channel, .. }
            | Request::Offer { channel, .. }
            | Request::Adopt { channel, .. }
            | Request::Push { channel, .. }
            | Request::Presence { channel, .. } => return self.exchange(channel, request),
        }))
    }

    /// Handles a request about a document that is open.
    fn exchange(
        &mut self,
        channel: Channel,
        request: Request,
    ) -> Result<Option<ClientRequest>, Error> {
        let Some(exchange) = self.channels.get_mut(&channel) else {
            return Err(Error::corrupt(
                "a message concerns a document that was not opened",
            ));
        };
        let asked = exchange.ask(request)?;
        if let Some(ClientRequest::Forbidden { .. }) = asked {
            let text = "this user may not restore data of this document".to_owned();
            let reason = Reason::Forbidden;
            self.send(&Response::Closed {
                channel,
                reason,
                text,
            });
        }
        Ok(asked)
    }
}
