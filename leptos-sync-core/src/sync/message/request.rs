use super::{
    Channel, Message,
    fields::{Fields, Writer},
};
use crate::{delta::Delta, error::Error, limits, version::VersionVector};

/// What a replica says to its relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first message: who speaks, and which protocols it understands.
    Hello {
        /// The newest protocol that it speaks.
        newest: u16,
        /// The oldest that it understands.
        oldest: u16,
        /// Whether it reads compressed envelopes.
        deflate: bool,
        /// What proves who it is, for the relay's authorizer. Empty where the connection itself tells.
        credentials: Vec<u8>,
    },
    /// Other credentials, before the ones in use expire.
    Renew {
        /// As in [`Hello`](Request::Hello).
        credentials: Vec<u8>,
    },
    /// Begins to exchange a document, or begins again.
    Open {
        /// The number that stands for it from now on.
        channel: Channel,
        /// The document's name.
        document: String,
        /// A fingerprint of the document's type, for the relay's authorizer; 0 where none is told.
        schema: u64,
        /// What the replica contains.
        version: VersionVector,
    },
    /// Operations of the replica's user, each delta a transaction, in their order. Each is accepted or rejected by
    /// itself.
    Push {
        /// The document.
        channel: Channel,
        /// The transactions.
        deltas: Vec<Delta>,
    },
    /// Some cells of a delta that is too large for one message; the delta is taken as a whole once the last part, which
    /// is a [`Push`](Request::Push) of it alone, has come.
    Part {
        /// The document.
        channel: Channel,
        /// Its versions are those of the whole.
        delta: Delta,
    },
    /// Something that is true for the moment: a cursor, a selection.
    Presence {
        /// The document.
        channel: Channel,
        /// Whatever the app makes of it. Empty where the replica is no longer present.
        data: Vec<u8>,
    },
    /// Ends the exchange of a document.
    Leave {
        /// The document.
        channel: Channel,
    },
    /// Asks for a [`Pong`](super::Response::Pong).
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
                document: name(&mut fields),
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
                    "a request of kind {tag} is not known here"
                )));
                Self::Ping
            }
        };
        fields.end(message)
    }
}

fn name(fields: &mut Fields<'_>) -> String {
    let name = fields.text(limits::NAME_BYTES);
    if name.is_empty() {
        fields.fail(Error::limit("a document's name is empty"));
    }
    name
}

fn deltas(fields: &mut Fields<'_>) -> Vec<Delta> {
    let mut deltas = Vec::new();
    while !fields.is_empty() {
        deltas.push(fields.delta());
    }
    if deltas.is_empty() {
        fields.fail(Error::corrupt("a push of no transaction"));
    }
    deltas
}
