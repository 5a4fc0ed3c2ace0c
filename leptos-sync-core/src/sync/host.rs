use std::collections::{BTreeMap, VecDeque};

use super::{
    frame::{Assembler, Cutter},
    message::{Broadcast, Channel, Message, PROTOCOL, PROTOCOL_FLOOR, Reason, Request, Response},
    parts::Parts,
};
use crate::{delta::Delta, error::Error, limits, version::VersionVector};

/// The relay's end of one connection: what may be said when, and in how many pieces.
///
/// It turns frames into [`Ask`]s, each of which is in order and within its bounds, and answers into frames. What is permitted,
/// and what documents contain, it does not know.
///
/// ```text
/// frames ─▶ receive ─▶ Ask ─▶ (the relay) ─▶ Response ─▶ send ─▶ next_frame ─▶ frames
/// ```
#[derive(Default)]
pub struct Host {
    stage: Stage,
    /// Whether the replica reads compressed envelopes.
    deflate: bool,
    assembler: Assembler,
    cutter: Cutter,
    channels: BTreeMap<Channel, Exchange>,
    frames: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// Nothing was said yet.
    #[default]
    Silent,
    /// The credentials are being looked at.
    Introduced,
    /// Anything may be said.
    Welcome,
    /// The last word was said.
    Over,
}

/// A document that the replica has opened and not left.
#[derive(Default)]
struct Exchange {
    /// Whether the relay has closed it. What comes then was said before the replica heard of it, and is passed over.
    closed: bool,
    parts: Parts,
}

/// What a replica wants of the relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To be let in, or to stay: [`welcome`](Host::welcome) or [`bye`](Host::bye) is the answer.
    Admission {
        /// The protocol that both speak.
        protocol: u16,
        /// What proves who it is.
        credentials: Vec<u8>,
        /// Whether it is in already and shows other credentials.
        again: bool,
    },
    /// To exchange a document.
    Open {
        /// The document's number on this connection. It may be open already.
        channel: Channel,
        /// Its name.
        document: String,
        /// A fingerprint of its type, 0 if none was told.
        schema: u64,
        /// What the replica contains.
        version: VersionVector,
    },
    /// To have transactions stored, each by itself.
    Push {
        /// The document.
        channel: Channel,
        /// The transactions.
        deltas: Vec<Delta>,
    },
    /// To tell the others something that is true for the moment.
    Presence {
        /// The document.
        channel: Channel,
        /// What.
        data: Vec<u8>,
    },
    /// To hear no more of a document.
    Leave {
        /// The document.
        channel: Channel,
    },
    /// The time.
    Ping,
}

impl Host {
    /// A connection on which nothing was said yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a frame. Returns what is wanted, once a message is whole. O(bytes).
    ///
    /// # Errors
    ///
    /// Where the frame is not as the protocol says. The replica is told then, and nothing more is taken in.
    pub fn receive(&mut self, frame: &[u8]) -> Result<Option<Ask>, Error> {
        let limit = match self.stage {
            Stage::Silent | Stage::Introduced => limits::HELLO_BYTES,
            Stage::Welcome => limits::FRAME_BYTES,
            Stage::Over => return Ok(None),
        };
        let taken = self.assembler.take(frame, limit, Request::decode);
        let asked = taken.and_then(|request| match request {
            Some(request) => self.ask(request),
            None if self.stage == Stage::Welcome => Ok(None),
            None => Err(Error::limit("a first message of more than one frame")),
        });
        asked.inspect_err(|error| self.bye(reason(error), &error.to_string()))
    }

    /// Lets the replica in, or takes note of its new credentials.
    pub fn welcome(&mut self, protocol: u16, now_ms: u64, silence_ms: u32) {
        match self.stage {
            Stage::Introduced => {
                self.stage = Stage::Welcome;
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

    /// Whether the replica was let in.
    pub fn is_welcome(&self) -> bool {
        self.stage == Stage::Welcome
    }

    /// Whether nothing more will be said.
    pub fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// Ends the connection; the frames that are waiting, of which this is the last, should still be sent.
    pub fn bye(&mut self, reason: Reason, text: &str) {
        if self.stage != Stage::Over {
            let text = text.to_owned();
            self.push(&Response::Bye { reason, text });
            self.stage = Stage::Over;
            self.channels.clear();
        }
    }

    /// Says something. A document that is closed by it is closed.
    pub fn send(&mut self, response: &Response) {
        if self.stage == Stage::Over {
            return;
        }
        match response {
            // It was not open before, so the replica has said nothing else of it.
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
            _ => {}
        }
        self.push(response);
        if let Response::Bye { .. } = response {
            self.stage = Stage::Over;
        }
    }

    /// Tells of others' operations, which are encoded once for all who are told.
    pub fn broadcast(&mut self, channel: Channel, delta: &Broadcast) {
        if self.stage != Stage::Over {
            let write = |message: &mut Vec<u8>| delta.write(channel, self.deflate, message);
            self.cutter.cut(&mut self.frames, write);
        }
    }

    /// The next frame to send.
    pub fn next_frame(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    fn push(&mut self, response: &Response) {
        let write = |message: &mut Vec<u8>| response.encode(self.deflate, message);
        self.cutter.cut(&mut self.frames, write);
    }

    fn ask(&mut self, request: Request) -> Result<Option<Ask>, Error> {
        match (self.stage, request) {
            (
                Stage::Silent,
                Request::Hello {
                    newest,
                    oldest,
                    deflate,
                    credentials,
                },
            ) => {
                self.deflate = deflate;
                let protocol = newest.min(PROTOCOL);
                if protocol < PROTOCOL_FLOOR.max(oldest) {
                    return Err(Error::unsupported(format!(
                        "this relay speaks protocols {PROTOCOL_FLOOR} to {PROTOCOL}, the replica {oldest} to {newest}; \
                         update the older of the two"
                    )));
                }
                self.stage = Stage::Introduced;
                Ok(Some(Ask::Admission {
                    protocol,
                    credentials,
                    again: false,
                }))
            }
            (Stage::Welcome, request) => self.ask_welcome(request),
            _ => Err(Error::corrupt(
                "the first message has to be a hello, and the next has to wait for its answer",
            )),
        }
    }

    fn ask_welcome(&mut self, request: Request) -> Result<Option<Ask>, Error> {
        let ask = match request {
            Request::Hello { .. } => return Err(Error::corrupt("a second hello")),
            Request::Renew { credentials } => Ask::Admission {
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
                    return Err(Error::limit(format!(
                        "a connection may use {} channels at a time; leave documents before opening others",
                        limits::CHANNELS
                    )));
                }
                self.channels.insert(channel, Exchange::default());
                Ask::Open {
                    channel,
                    document,
                    schema,
                    version,
                }
            }
            Request::Push { channel, deltas } => return self.pushed(channel, deltas),
            Request::Part { channel, delta } => {
                self.part(channel, delta)?;
                return Ok(None);
            }
            Request::Presence { channel, data } => match self.exchange(channel)? {
                Some(_) => Ask::Presence { channel, data },
                None => return Ok(None),
            },
            Request::Leave { channel } => {
                self.channels.remove(&channel);
                Ask::Leave { channel }
            }
            Request::Ping => Ask::Ping,
        };
        Ok(Some(ask))
    }

    fn part(&mut self, channel: Channel, delta: Delta) -> Result<(), Error> {
        let begun = self
            .channels
            .values()
            .map(|exchange| exchange.parts.bytes());
        let begun: usize = begun.sum();
        match self.exchange(channel)? {
            Some(exchange) => {
                let others = begun - exchange.parts.bytes();
                exchange.parts.add(delta, others)
            }
            None => Ok(()),
        }
    }

    fn pushed(&mut self, channel: Channel, mut deltas: Vec<Delta>) -> Result<Option<Ask>, Error> {
        if deltas.len() > limits::IN_FLIGHT {
            return Err(Error::limit("more transactions than a push may have"));
        }
        let Some(exchange) = self.exchange(channel)? else {
            return Ok(None);
        };
        if !exchange.parts.is_empty() {
            let last = match (deltas.pop(), deltas.is_empty()) {
                (Some(last), true) => last,
                _ => return Err(Error::corrupt("the last part of a delta is not alone")),
            };
            deltas.push(exchange.parts.end(last)?);
        }
        Ok(Some(Ask::Push { channel, deltas }))
    }

    /// The document that something is said of; `None` where the relay has closed it.
    fn exchange(&mut self, channel: Channel) -> Result<Option<&mut Exchange>, Error> {
        match self.channels.get_mut(&channel) {
            Some(exchange) if exchange.closed => Ok(None),
            Some(exchange) => Ok(Some(exchange)),
            None => Err(Error::corrupt(
                "a message about a document that was not opened",
            )),
        }
    }
}

/// What to tell somebody whose message gave this error.
fn reason(error: &Error) -> Reason {
    if error.is_limit() {
        Reason::Limit
    } else if error.is_unsupported() {
        Reason::Unsupported
    } else {
        Reason::Malformed
    }
}
