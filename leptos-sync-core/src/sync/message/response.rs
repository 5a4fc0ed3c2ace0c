use crate::{
    clock::Window,
    error::Error,
    history::{Ack, CellRange, EntryId, IdHead, Opened, Page, RelayState},
    id::ReplicaId,
    limits,
    sync::message::{
        Channel, Message, Permission, Reason,
        fields::{Fields, Writer},
    },
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
    /// The relay does not know the epoch of the client's cursor. The client sends its
    /// [`Epochs`](super::Request::Epochs).
    EpochsNeeded {
        /// The document.
        channel: Channel,
    },
    /// The answer to [`Open`](super::Request::Open) or [`Epochs`](super::Request::Epochs): the
    /// document is open.
    Opened {
        /// The document.
        channel: Channel,
        /// The user's permission.
        permission: Permission,
        /// The state of the document at the relay.
        opened: Opened,
    },
    /// The answer to [`Read`](super::Request::Read), or new changes on a live channel.
    Page {
        /// The document.
        channel: Channel,
        /// The changes.
        page: Page,
    },
    /// The answer to [`Read`](super::Request::Read) if the relay has forgotten removals after the
    /// number that the client has read. The client opens the document again.
    BehindHorizon {
        /// The document.
        channel: Channel,
    },
    /// The answer to [`Range`](super::Request::Range).
    Cells {
        /// The document.
        channel: Channel,
        /// The cells.
        range: CellRange,
    },
    /// The answer to [`Offer`](super::Request::Offer).
    Offered {
        /// The document.
        channel: Channel,
        /// Whether the relay took all cells. If it did not, the client cannot finish comparing and
        /// tries again later.
        all: bool,
        /// The state of the history.
        state: RelayState,
    },
    /// The answer to [`Adopt`](super::Request::Adopt).
    Adopted {
        /// The document.
        channel: Channel,
        /// The heads of the client's ids at the relay from now on.
        heads: Vec<(ReplicaId, IdHead)>,
        /// The state of the history.
        state: RelayState,
    },
    /// An acknowledgement: the relay has durably stored entries of the client. On a live channel,
    /// acknowledgements and pages arrive in the order of their sequence numbers.
    Ack {
        /// The document.
        channel: Channel,
        /// The entries.
        ack: Ack,
    },
    /// An entry does not follow the last one of its id at the relay. The relay took no further
    /// entry of the id from the same push.
    Gap {
        /// The document.
        channel: Channel,
        /// The writer.
        replica: ReplicaId,
        /// The writer's last entry at the relay.
        head: IdHead,
    },
    /// A rejection: the relay will not accept an entry in this form, and took no further entry of
    /// the id from the same push.
    Reject {
        /// The document.
        channel: Channel,
        /// The entry.
        id: EntryId,
        /// The reason, as a code. If it [concerns time](Reason::concerns_time), the client restamps
        /// the entry. Else it empties the entry, and sends it under its number.
        reason: Reason,
        /// The reason, as a sentence.
        text: String,
        /// The stamps that the relay accepts.
        window: Window,
    },
    /// The document was removed at the relay, which ends its exchange.
    Removed {
        /// The document.
        channel: Channel,
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
        /// The data that the client sent. Empty if the client is no longer present.
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
pub(super) const PAGE: u8 = 4;
const CELLS: u8 = 5;
const ACK: u8 = 6;
const REJECT: u8 = 7;
const PRESENCE: u8 = 8;
const CLOSED: u8 = 9;
const BYE: u8 = 10;
const PONG: u8 = 11;
const PERMISSION: u8 = 12;
const EPOCHS_NEEDED: u8 = 13;
const BEHIND_HORIZON: u8 = 14;
const OFFERED: u8 = 15;
const ADOPTED: u8 = 16;
const GAP: u8 = 17;
const REMOVED: u8 = 18;

impl Response {
    /// Returns the document that the message concerns.
    pub(in crate::sync) fn channel(&self) -> Option<Channel> {
        self.head().1
    }

    /// Returns the kind byte of the message and the document it concerns.
    fn head(&self) -> (u8, Option<Channel>) {
        match self {
            Self::Welcome { .. } => (WELCOME, None),
            Self::Renewed => (RENEWED, None),
            Self::EpochsNeeded { channel } => (EPOCHS_NEEDED, Some(*channel)),
            Self::Opened { channel, .. } => (OPENED, Some(*channel)),
            Self::Page { channel, .. } => (PAGE, Some(*channel)),
            Self::BehindHorizon { channel } => (BEHIND_HORIZON, Some(*channel)),
            Self::Cells { channel, .. } => (CELLS, Some(*channel)),
            Self::Offered { channel, .. } => (OFFERED, Some(*channel)),
            Self::Adopted { channel, .. } => (ADOPTED, Some(*channel)),
            Self::Ack { channel, .. } => (ACK, Some(*channel)),
            Self::Gap { channel, .. } => (GAP, Some(*channel)),
            Self::Reject { channel, .. } => (REJECT, Some(*channel)),
            Self::Removed { channel } => (REMOVED, Some(*channel)),
            Self::Presence { channel, .. } => (PRESENCE, Some(*channel)),
            Self::Permission { channel, .. } => (PERMISSION, Some(*channel)),
            Self::Closed { channel, .. } => (CLOSED, Some(*channel)),
            Self::Bye { .. } => (BYE, None),
            Self::Pong { .. } => (PONG, None),
        }
    }

    /// Writes the fields of a message about a document after the channel.
    fn encode_about_document(&self, out: &mut Writer<'_>) {
        match self {
            Self::Opened {
                permission, opened, ..
            } => {
                out.byte(permission.code());
                out.opened(opened);
            }
            Self::Page { page, .. } => out.page(page),
            Self::Cells { range, .. } => out.range(range),
            Self::Offered { all, state, .. } => {
                out.byte((*all).into());
                out.state(state);
            }
            Self::Adopted { heads, state, .. } => {
                out.id_heads(heads);
                out.state(state);
            }
            Self::Ack { ack, .. } => out.ack(ack),
            Self::Gap { replica, head, .. } => {
                out.replica(*replica);
                out.id_head(head);
            }
            Self::Reject {
                id,
                reason,
                text,
                window,
                ..
            } => {
                out.entry_id(*id);
                out.why(*reason, text);
                out.window(*window);
            }
            Self::Presence {
                peer, user, data, ..
            } => {
                out.number(peer.get());
                out.bytes(user.as_bytes());
                out.bytes(data);
            }
            Self::Permission { permission, .. } => out.byte(permission.code()),
            Self::Closed { reason, text, .. } => out.why(*reason, text),
            _ => {}
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
            Self::Bye { reason, text } => out.why(*reason, text),
            Self::Pong { now_ms } => out.number(*now_ms),
            _ => self.encode_about_document(&mut out),
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
            BYE => {
                let (reason, text) = fields.why();
                Self::Bye { reason, text }
            }
            PONG => Self::Pong {
                now_ms: fields.number(),
            },
            kind => about_document(kind, &mut fields),
        };
        fields.end(message)
    }
}

/// Reads the fields of a message about one document.
fn about_document(kind: u8, fields: &mut Fields<'_>) -> Response {
    let channel = fields.channel();
    match kind {
        EPOCHS_NEEDED => Response::EpochsNeeded { channel },
        OPENED => Response::Opened {
            channel,
            permission: fields.permission(),
            opened: fields.opened(),
        },
        PAGE => Response::Page {
            channel,
            page: fields.page(),
        },
        BEHIND_HORIZON => Response::BehindHorizon { channel },
        CELLS => Response::Cells {
            channel,
            range: fields.range(),
        },
        OFFERED => Response::Offered {
            channel,
            all: fields.flag(),
            state: fields.state(),
        },
        ADOPTED => Response::Adopted {
            channel,
            heads: fields.id_heads(),
            state: fields.state(),
        },
        ACK => Response::Ack {
            channel,
            ack: fields.ack(),
        },
        GAP => Response::Gap {
            channel,
            replica: fields.replica(),
            head: fields.id_head(),
        },
        REJECT => reject(channel, fields),
        REMOVED => Response::Removed { channel },
        PRESENCE => Response::Presence {
            channel,
            peer: ReplicaId::new(fields.number()),
            user: fields.text(limits::USER_BYTES),
            data: fields.bytes(limits::PRESENCE_BYTES).to_vec(),
        },
        PERMISSION => Response::Permission {
            channel,
            permission: fields.permission(),
        },
        CLOSED => closed(channel, fields),
        _ => {
            fields.unknown();
            Response::Renewed
        }
    }
}

fn reject(channel: Channel, fields: &mut Fields<'_>) -> Response {
    let id = fields.entry_id();
    let (reason, text) = fields.why();
    let window = fields.window();
    Response::Reject {
        channel,
        id,
        reason,
        text,
        window,
    }
}

fn closed(channel: Channel, fields: &mut Fields<'_>) -> Response {
    let (reason, text) = fields.why();
    Response::Closed {
        channel,
        reason,
        text,
    }
}
