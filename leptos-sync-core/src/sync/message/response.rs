use super::{
    Channel, Message, Permission, Reason,
    fields::{Fields, Writer},
};
use crate::{
    clock::Time,
    delta::{Delta, Snapshot},
    error::Error,
    id::ReplicaId,
    limits,
    version::VersionVector,
};

/// A message from a relay to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// The answer to [`Hello`](super::Request::Hello): the client is admitted.
    Welcome {
        /// The protocol that both ends use from now on.
        protocol: u16,
        /// The relay's wall clock, in milliseconds since the Unix epoch.
        now_ms: u64,
        /// The silence in milliseconds after which either end considers the connection dead.
        silence_ms: u32,
    },
    /// The answer to [`Renew`](super::Request::Renew): the new credentials are in use.
    Renewed,
    /// The answer to [`Open`](super::Request::Open): the document is open. The operations that the
    /// client lacks follow, then all new ones.
    Opened {
        /// The document.
        channel: Channel,
        /// The user's permission.
        permission: Permission,
        /// The operations that the relay contains.
        version: VersionVector,
        /// The floor. The relay rejects new operations with earlier stamps, since it may have
        /// forgotten removals.
        floor: Time,
        /// The relay's wall clock, in milliseconds since the Unix epoch.
        now_ms: u64,
    },
    /// Operations of other clients.
    Delta {
        /// The document.
        channel: Channel,
        /// Whether further parts of the delta follow. The client joins the whole delta once the
        /// last part has arrived.
        more: bool,
        /// The operations. A part has the versions of the whole.
        delta: Delta,
    },
    /// The relay's state, for a client that was offline while the relay forgot removals that the
    /// client has not seen.
    Snapshot {
        /// The document.
        channel: Channel,
        /// Whether another part follows.
        more: bool,
        /// A part of the state.
        part: Snapshot,
    },
    /// An acknowledgement: the relay has durably stored operations of the client.
    Ack {
        /// The document.
        channel: Channel,
        /// The stored operations. Replicas without an entry are unchanged.
        upto: VersionVector,
    },
    /// A rejection: the relay will not accept a transaction in this form.
    Reject {
        /// The document.
        channel: Channel,
        /// The version to which the transaction leads. From now on, the relay's version covers it,
        /// unless the [reason concerns time](Reason::concerns_time) or is a gap, forbidden or forged.
        upto: VersionVector,
        /// The reason, as a code.
        reason: Reason,
        /// The reason, as a sentence.
        text: String,
    },
    /// The presence of another client.
    Presence {
        /// The document.
        channel: Channel,
        /// The relay's number for the other client's connection.
        peer: ReplicaId,
        /// The name of that client's user, as the relay's authorizer determined it, or empty if the
        /// authorizer does not distinguish users.
        user: String,
        /// The data that the client sent; empty if it is no longer present.
        data: Vec<u8>,
    },
    /// The user's permission for an open document has changed.
    Permission {
        /// The document.
        channel: Channel,
        /// The new permission.
        permission: Permission,
    },
    /// The exchange of a document has ended, or did not start.
    Closed {
        /// The document.
        channel: Channel,
        /// The reason, as a code.
        reason: Reason,
        /// The reason, as a sentence.
        text: String,
    },
    /// The last message. The connection ends.
    Bye {
        /// The reason, as a code.
        reason: Reason,
        /// The reason, as a sentence.
        text: String,
    },
    /// The answer to [`Ping`](super::Request::Ping).
    Pong {
        /// The relay's wall clock, in milliseconds since the Unix epoch.
        now_ms: u64,
    },
}

const WELCOME: u8 = 1;
const RENEWED: u8 = 2;
const OPENED: u8 = 3;
pub(super) const DELTA: u8 = 4;
const SNAPSHOT: u8 = 5;
const ACK: u8 = 6;
const REJECT: u8 = 7;
const PRESENCE: u8 = 8;
const CLOSED: u8 = 9;
const BYE: u8 = 10;
const PONG: u8 = 11;
const PERMISSION: u8 = 12;

impl Response {
    /// Returns the kind byte of the message and the document it concerns.
    fn head(&self) -> (u8, Option<Channel>) {
        match self {
            Self::Welcome { .. } => (WELCOME, None),
            Self::Renewed => (RENEWED, None),
            Self::Opened { channel, .. } => (OPENED, Some(*channel)),
            Self::Delta { channel, .. } => (DELTA, Some(*channel)),
            Self::Snapshot { channel, .. } => (SNAPSHOT, Some(*channel)),
            Self::Ack { channel, .. } => (ACK, Some(*channel)),
            Self::Reject { channel, .. } => (REJECT, Some(*channel)),
            Self::Presence { channel, .. } => (PRESENCE, Some(*channel)),
            Self::Permission { channel, .. } => (PERMISSION, Some(*channel)),
            Self::Closed { channel, .. } => (CLOSED, Some(*channel)),
            Self::Bye { .. } => (BYE, None),
            Self::Pong { .. } => (PONG, None),
        }
    }
}

impl Message for Response {
    fn encode(&self, deflate: bool, out: &mut Vec<u8>) {
        let mut out = Writer { out, deflate };
        let (kind, channel) = self.head();
        out.byte(kind);
        if let Some(channel) = channel {
            out.number(channel.0.into());
        }
        match self {
            Self::Welcome {
                protocol,
                now_ms,
                silence_ms,
            } => {
                out.number((*protocol).into());
                out.number(*now_ms);
                out.number((*silence_ms).into());
            }
            Self::Renewed => {}
            Self::Opened {
                permission,
                version,
                floor,
                now_ms,
                ..
            } => {
                out.byte(permission.code());
                out.version(version);
                out.number(floor.get());
                out.number(*now_ms);
            }
            Self::Delta { more, delta, .. } => {
                out.byte((*more).into());
                out.delta(delta);
            }
            Self::Snapshot { more, part, .. } => {
                out.byte((*more).into());
                out.snapshot(part);
            }
            Self::Ack { upto, .. } => out.version(upto),
            Self::Reject {
                upto, reason, text, ..
            } => {
                out.version(upto);
                out.why(*reason, text);
            }
            Self::Presence {
                peer, user, data, ..
            } => {
                out.number(peer.get());
                out.bytes(user.as_bytes());
                out.bytes(data);
            }
            Self::Permission { permission, .. } => out.byte(permission.code()),
            Self::Closed { reason, text, .. } | Self::Bye { reason, text } => {
                out.why(*reason, text);
            }
            Self::Pong { now_ms } => out.number(*now_ms),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(bytes);
        let message = match fields.byte() {
            WELCOME => Self::Welcome {
                protocol: fields.small(),
                now_ms: fields.number(),
                silence_ms: fields.small(),
            },
            RENEWED => Self::Renewed,
            OPENED => Self::Opened {
                channel: fields.channel(),
                permission: fields.permission(),
                version: fields.version(),
                floor: Time::new(fields.number()),
                now_ms: fields.number(),
            },
            DELTA => Self::Delta {
                channel: fields.channel(),
                more: fields.flag(),
                delta: fields.delta(),
            },
            SNAPSHOT => Self::Snapshot {
                channel: fields.channel(),
                more: fields.flag(),
                part: fields.snapshot(),
            },
            ACK => Self::Ack {
                channel: fields.channel(),
                upto: fields.version(),
            },
            REJECT => reject(&mut fields),
            PRESENCE => Self::Presence {
                channel: fields.channel(),
                peer: ReplicaId::new(fields.number()),
                user: fields.text(limits::USER_BYTES),
                data: fields.bytes(limits::PRESENCE_BYTES).to_vec(),
            },
            PERMISSION => Self::Permission {
                channel: fields.channel(),
                permission: fields.permission(),
            },
            CLOSED => closed(&mut fields),
            BYE => {
                let (reason, text) = fields.why();
                Self::Bye { reason, text }
            }
            PONG => Self::Pong {
                now_ms: fields.number(),
            },
            tag => {
                let what = format!("a response has the unknown kind {tag}");
                fields.fail(Error::unsupported(what));
                Self::Renewed
            }
        };
        fields.end(message)
    }
}

fn reject(fields: &mut Fields<'_>) -> Response {
    let channel = fields.channel();
    let upto = fields.version();
    let (reason, text) = fields.why();
    Response::Reject {
        channel,
        upto,
        reason,
        text,
    }
}

fn closed(fields: &mut Fields<'_>) -> Response {
    let channel = fields.channel();
    let (reason, text) = fields.why();
    Response::Closed {
        channel,
        reason,
        text,
    }
}
