use super::{
    Channel, Message,
    fields::{Fields, Writer},
};
use crate::{delta::Delta, error::Error, limits, version::VersionVector};

/// A message from a client to its relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first message: the client's protocols and credentials.
    Hello {
        /// The newest protocol that the client supports.
        newest: u16,
        /// The oldest protocol that the client supports.
        oldest: u16,
        /// Whether the client reads compressed envelopes.
        deflate: bool,
        /// The credentials for the relay's authorizer, or empty if the connection itself identifies
        /// the user.
        credentials: Vec<u8>,
    },
    /// New credentials, sent before the current ones expire.
    Renew {
        /// The credentials, as in [`Hello`](Request::Hello).
        credentials: Vec<u8>,
    },
    /// The start or restart of the exchange of a document.
    Open {
        /// The number that denotes the document in later messages.
        channel: Channel,
        /// The document's name.
        document: String,
        /// The fingerprint of the document's type for the relay's authorizer, or 0.
        schema: u64,
        /// The operations that the client contains.
        version: VersionVector,
    },
    /// Transactions of the client's user, in order. Each is accepted or rejected separately.
    Push {
        /// The document.
        channel: Channel,
        /// The transactions.
        deltas: Vec<Delta>,
    },
    /// A part of a delta that is too large for one message. The last part is sent as a
    /// [`Push`](Request::Push) of that part alone. The relay processes the delta as a whole when it
    /// arrives.
    Part {
        /// The document.
        channel: Channel,
        /// The part, with the versions of the whole delta.
        delta: Delta,
    },
    /// Presence data, such as a cursor or a selection.
    Presence {
        /// The document.
        channel: Channel,
        /// Arbitrary data of the app, or empty if the replica is no longer present.
        data: Vec<u8>,
    },
    /// The end of the exchange of a document.
    Leave {
        /// The document.
        channel: Channel,
    },
    /// A request for a [`Pong`](super::Response::Pong).
    Ping,
}

const HELLO: u8 = 1;
const RENEW: u8 = 2;
const OPEN: u8 = 3;
const PUSH: u8 = 4;
const PART: u8 = 5;
const PRESENCE: u8 = 6;
const LEAVE: u8 = 7;
const PING: u8 = 8;

impl Message for Request {
    fn encode(&self, deflate: bool, out: &mut Vec<u8>) {
        let mut out = Writer { out, deflate };
        match self {
            Self::Hello {
                newest,
                oldest,
                deflate,
                credentials,
            } => {
                out.byte(HELLO);
                out.number((*newest).into());
                out.number((*oldest).into());
                out.byte((*deflate).into());
                out.bytes(credentials);
            }
            Self::Renew { credentials } => {
                out.byte(RENEW);
                out.bytes(credentials);
            }
            Self::Open {
                channel,
                document,
                schema,
                version,
            } => {
                out.byte(OPEN);
                out.number(channel.0.into());
                out.bytes(document.as_bytes());
                out.number(*schema);
                out.version(version);
            }
            Self::Push { channel, deltas } => {
                out.byte(PUSH);
                out.number(channel.0.into());
                deltas.iter().for_each(|delta| out.delta(delta));
            }
            Self::Part { channel, delta } => {
                out.byte(PART);
                out.number(channel.0.into());
                out.delta(delta);
            }
            Self::Presence { channel, data } => {
                out.byte(PRESENCE);
                out.number(channel.0.into());
                out.bytes(data);
            }
            Self::Leave { channel } => {
                out.byte(LEAVE);
                out.number(channel.0.into());
            }
            Self::Ping => out.byte(PING),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(bytes);
        let message = match fields.byte() {
            HELLO => Self::Hello {
                newest: fields.small(),
                oldest: fields.small(),
                deflate: fields.flag(),
                credentials: fields.bytes(limits::CREDENTIALS_BYTES).to_vec(),
            },
            RENEW => Self::Renew {
                credentials: fields.bytes(limits::CREDENTIALS_BYTES).to_vec(),
            },
            OPEN => Self::Open {
                channel: fields.channel(),
                document: fields.document_name(),
                schema: fields.number(),
                version: fields.version(),
            },
            PUSH => Self::Push {
                channel: fields.channel(),
                deltas: deltas(&mut fields),
            },
            PART => Self::Part {
                channel: fields.channel(),
                delta: fields.delta(),
            },
            PRESENCE => Self::Presence {
                channel: fields.channel(),
                data: fields.bytes(limits::PRESENCE_BYTES).to_vec(),
            },
            LEAVE => Self::Leave {
                channel: fields.channel(),
            },
            PING => Self::Ping,
            tag => {
                fields.fail(Error::unsupported(format!(
                    "a request has the unknown kind {tag}"
                )));
                Self::Ping
            }
        };
        fields.end(message)
    }
}

fn deltas(fields: &mut Fields<'_>) -> Vec<Delta> {
    let mut deltas = Vec::new();
    while !fields.is_empty() {
        deltas.push(fields.delta());
    }
    if deltas.is_empty() {
        fields.fail(Error::corrupt("a push has no transactions"));
    }
    deltas
}
