use std::collections::BTreeMap;

use super::{
    host_link::{HostLink, Stage, not_introduced, reason, too_many_channels},
    message::{
        Broadcast, Channel, PROTOCOL, PROTOCOL_FLOOR, Permission, Reason, Request, Response,
    },
    parts::Parts,
};
use crate::{delta::Delta, error::Error, limits, version::VersionVector};

/// The relay's end of one connection, which enforces the protocol.
///
/// It turns frames into [`ClientRequest`]s that are in order and within the limits, and responses
/// into frames. It does not know permissions or the content of documents.
///
/// ```text
/// frames ─▶ receive ─▶ ClientRequest ─▶ (the relay) ─▶ Response ─▶ send ─▶ next_frame ─▶ frames
/// ```
#[derive(Default)]
pub struct Host {
    link: HostLink,
    channels: BTreeMap<Channel, Exchange>,
}

/// A document that the client has opened and not left.
#[derive(Default)]
struct Exchange {
    /// Whether the relay has closed it. Messages that the client sent before it learned of that are
    /// ignored.
    closed: bool,
    /// The user's permission, once the relay has opened the document.
    permission: Option<Permission>,
    parts: Parts,
    /// Whether a part of the current delta was dropped because the user may not write.
    refused: bool,
}

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRequest {
    /// Requests admission or renews credentials. The relay answers with [`welcome`](Host::welcome)
    /// or [`bye`](Host::bye).
    Admission {
        /// The protocol that both ends use.
        protocol: u16,
        /// The credentials that prove the user's identity.
        credentials: Vec<u8>,
        /// Whether the client is already admitted and renews its credentials.
        again: bool,
    },
    /// Starts or restarts the exchange of a document.
    Open {
        /// The document's number on this connection. The document may be open already.
        channel: Channel,
        /// The document's name.
        document: String,
        /// The fingerprint of its type, or 0 if the client sent none.
        schema: u64,
        /// The operations that the client contains.
        version: VersionVector,
    },
    /// Stores transactions. Each is accepted or rejected separately.
    Push {
        /// The document.
        channel: Channel,
        /// The transactions.
        deltas: Vec<Delta>,
        /// Whether this is one delta that was received in parts, so that the limits of a
        /// transaction do not apply.
        in_parts: bool,
    },
    /// A part of a delta was received, which stays in memory until the last one. It needs no
    /// answer.
    Part {
        /// The document.
        channel: Channel,
        /// The size of all parts of the delta that were received.
        bytes: usize,
    },
    /// The last part of a delta was received, of which parts were dropped because the user may not
    /// write. The relay answers with a rejection.
    RefusedParts {
        /// The document.
        channel: Channel,
        /// The version to which the delta would have led.
        upto: VersionVector,
    },
    /// Sends presence data to the other clients.
    Presence {
        /// The document.
        channel: Channel,
        /// The presence data.
        data: Vec<u8>,
    },
    /// Ends the exchange of a document.
    Leave {
        /// The document.
        channel: Channel,
    },
    /// Requests the relay's time.
    Ping,
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

    /// Ends the connection. The driver should still send the queued frames, of which this is the
    /// last.
    pub fn bye(&mut self, reason: Reason, text: &str) {
        let text = text.to_owned();
        self.send(&Response::Bye { reason, text });
        self.channels.clear();
    }

    /// Sends a response. A [`Response::Closed`] closes its document.
    pub fn send(&mut self, response: &Response) {
        if self.link.stage() == Stage::Over {
            return;
        }
        match response {
            // The document was not open before, so no other message about it is in flight.
            Response::Closed {
                channel,
                reason: Reason::TooManyDocuments,
                ..
            } => drop(self.channels.remove(channel)),
            Response::Closed { channel, .. } => {
                if let Some(exchange) = self.channels.get_mut(channel) {
                    *exchange = Exchange {
                        closed: true,
                        ..Exchange::default()
                    };
                }
            }
            Response::Opened {
                channel,
                permission,
                ..
            }
            | Response::Permission {
                channel,
                permission,
            } => {
                if let Some(exchange) = self.channels.get_mut(channel) {
                    exchange.permission = Some(*permission);
                }
            }
            _ => {}
        }
        self.link.say(response);
        if let Response::Bye { .. } = response {
            self.link.end();
        }
    }

    /// Sends operations of other clients, encoded once for all receivers.
    pub fn broadcast(&mut self, channel: Channel, delta: &Broadcast) {
        self.link
            .write(|deflate, out| delta.write(channel, deflate, out));
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
                let supported = (PROTOCOL_FLOOR, PROTOCOL);
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
        let ask = match request {
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
                version,
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
                    version,
                }
            }
            Request::Push { channel, deltas } => return self.pushed(channel, deltas),
            Request::Part { channel, delta } => return self.part(channel, delta),
            Request::Presence { channel, data } => match self.exchange(channel)? {
                Some(_) => ClientRequest::Presence { channel, data },
                None => return Ok(None),
            },
            Request::Leave { channel } => {
                self.channels.remove(&channel);
                ClientRequest::Leave { channel }
            }
            Request::Ping => ClientRequest::Ping,
        };
        Ok(Some(ask))
    }

    fn part(&mut self, channel: Channel, delta: Delta) -> Result<Option<ClientRequest>, Error> {
        let begun = self
            .channels
            .values()
            .map(|exchange| exchange.parts.bytes());
        let begun: usize = begun.sum();
        let Some(exchange) = self.exchange(channel)? else {
            return Ok(None);
        };
        if exchange.permission < Some(Permission::Write) || exchange.refused {
            exchange.parts = Parts::default();
            exchange.refused = true;
            return Ok(None);
        }
        let others = begun - exchange.parts.bytes();
        exchange.parts.add(delta, others)?;
        let bytes = exchange.parts.bytes();
        Ok(Some(ClientRequest::Part { channel, bytes }))
    }

    fn pushed(
        &mut self,
        channel: Channel,
        mut deltas: Vec<Delta>,
    ) -> Result<Option<ClientRequest>, Error> {
        if deltas.len() > limits::IN_FLIGHT {
            return Err(Error::limit("a push has too many transactions"));
        }
        let Some(exchange) = self.exchange(channel)? else {
            return Ok(None);
        };
        let in_parts = exchange.refused || !exchange.parts.is_empty();
        if in_parts {
            let last = match (deltas.pop(), deltas.is_empty()) {
                (Some(last), true) => last,
                _ => {
                    return Err(Error::corrupt(
                        "the last part of a delta must be the only transaction of its push",
                    ));
                }
            };
            if std::mem::take(&mut exchange.refused) {
                exchange.parts = Parts::default();
                let upto = last.upto().clone();
                return Ok(Some(ClientRequest::RefusedParts { channel, upto }));
            }
            deltas.push(exchange.parts.end(last)?);
        }
        Ok(Some(ClientRequest::Push {
            channel,
            deltas,
            in_parts,
        }))
    }

    /// Returns the exchange of a channel, or `None` if the relay has closed it.
    fn exchange(&mut self, channel: Channel) -> Result<Option<&mut Exchange>, Error> {
        match self.channels.get_mut(&channel) {
            Some(exchange) if exchange.closed => Ok(None),
            Some(exchange) => Ok(Some(exchange)),
            None => Err(Error::corrupt(
                "a message concerns a document that was not opened",
            )),
        }
    }
}
