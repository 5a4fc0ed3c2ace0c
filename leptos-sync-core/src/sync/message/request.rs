use crate::{
    error::Error,
    history::{Entry, Epochs, IdHead, Opening, Patch, Sequence, Witness},
    id::ReplicaId,
    limits,
    path::PathBuf,
    sync::message::{
        Channel, Message,
        fields::{Fields, Writer},
    },
};

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
    /// The start or restart of the exchange of a document. The relay answers with
    /// [`Opened`](super::Response::Opened), or [`EpochsNeeded`](super::Response::EpochsNeeded) before it.
    Open {
        /// The number that denotes the document in later messages.
        channel: Channel,
        /// The document's name.
        document: String,
        /// The fingerprint of the document's type for the relay's authorizer, or 0.
        schema: u64,
        /// The client's state.
        opening: Opening,
    },
    /// The epochs of the client, because the relay does not know the one of its cursor.
    Epochs {
        /// The document.
        channel: Channel,
        /// The epochs.
        epochs: Epochs,
    },
    /// A request for the next page. The page that reaches the head makes the channel live: from
    /// then on the relay sends pages without being asked.
    Read {
        /// The document.
        channel: Channel,
        /// The number up to which the client has read.
        after: Sequence,
    },
    /// A request for the cells after a path, from a client that compares its state.
    Range {
        /// The document.
        channel: Channel,
        /// The path, or `None` for the start of the document.
        after: Option<PathBuf>,
    },
    /// Cells that the client has and the relay lacks, found by comparing.
    Offer {
        /// The document.
        channel: Channel,
        /// A state that the relay has once reported. Its seal proves that the relay has lost
        /// history, and allows cells up to its latest time.
        witness: Witness,
        /// The cells, of any replicas. At most [`limits::TRANSACTION_BYTES`].
        cells: Patch,
    },
    /// The last entries of the client's own ids, after all cells were compared. The relay, which
    /// was restored from a backup, may have forgotten them.
    Adopt {
        /// The document.
        channel: Channel,
        /// A state that the relay has once reported.
        witness: Witness,
        /// The last entry before the outbox of each id.
        heads: Vec<(ReplicaId, IdHead)>,
    },
    /// Entries of the client's outbox, in order. The entries of an id have consecutive numbers.
    /// Each is accepted or rejected separately.
    Push {
        /// The channel of the document.
        channel: Channel,
        /// The entries, at least one and at most [`limits::IN_FLIGHT`]. Their
        /// [`stored`](Entry::stored) is not sent.
        entries: Vec<Entry>,
    },
    /// Presence data, such as a cursor or a selection.
    Presence {
        /// The channel of the document.
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
const PRESENCE: u8 = 6;
const LEAVE: u8 = 7;
const PING: u8 = 8;
const EPOCHS: u8 = 9;
const READ: u8 = 10;
const RANGE: u8 = 11;
const OFFER: u8 = 12;
const ADOPT: u8 = 13;

impl Request {
    /// Returns the kind byte of the message and the document it concerns.
    fn head(&self) -> (u8, Option<Channel>) {
        match self {
            Self::Hello { .. } => (HELLO, None),
            Self::Renew { .. } => (RENEW, None),
            Self::Open { channel, .. } => (OPEN, Some(*channel)),
            Self::Epochs { channel, .. } => (EPOCHS, Some(*channel)),
            Self::Read { channel, .. } => (READ, Some(*channel)),
            Self::Range { channel, .. } => (RANGE, Some(*channel)),
            Self::Offer { channel, .. } => (OFFER, Some(*channel)),
            Self::Adopt { channel, .. } => (ADOPT, Some(*channel)),
            Self::Push { channel, .. } => (PUSH, Some(*channel)),
            Self::Presence { channel, .. } => (PRESENCE, Some(*channel)),
            Self::Leave { channel } => (LEAVE, Some(*channel)),
            Self::Ping => (PING, None),
        }
    }
}

impl Message for Request {
    fn encode(&self, deflate: bool, out: &mut Vec<u8>) {
        let mut out = Writer { out, deflate };
        let (kind, channel) = self.head();
        out.byte(kind);
        if let Some(channel) = channel {
            out.number(channel.0.into());
        }
        match self {
            Self::Hello {
                newest,
                oldest,
                deflate,
                credentials,
            } => {
                out.number((*newest).into());
                out.number((*oldest).into());
                out.byte((*deflate).into());
                out.bytes(credentials);
            }
            Self::Renew { credentials } => out.bytes(credentials),
            Self::Open {
                document,
                schema,
                opening,
                ..
            } => {
                out.bytes(document.as_bytes());
                out.number(*schema);
                out.cursor(&opening.cursor);
                out.byte(opening.comparing.into());
                out.ids(&opening.ids);
            }
            Self::Epochs { epochs, .. } => {
                out.byte(epochs.has_dropped().into());
                out.epoch_list(epochs.list());
            }
            Self::Read { after, .. } => out.sequence(*after),
            Self::Range { after, .. } => out.path(after.as_ref()),
            Self::Offer { witness, cells, .. } => {
                out.witness(witness);
                out.patch(cells);
            }
            Self::Adopt { witness, heads, .. } => {
                out.witness(witness);
                out.id_heads(heads);
            }
            Self::Push { entries, .. } => out.entries(entries),
            Self::Presence { data, .. } => out.bytes(data),
            Self::Leave { .. } | Self::Ping => {}
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
            PING => Self::Ping,
            kind => about_document(kind, &mut fields),
        };
        fields.end(message)
    }
}

/// Reads the fields of a message about one document.
fn about_document(kind: u8, fields: &mut Fields<'_>) -> Request {
    let channel = fields.channel();
    match kind {
        OPEN => Request::Open {
            channel,
            document: fields.document_name(),
            schema: fields.number(),
            opening: Opening {
                cursor: fields.cursor(),
                comparing: fields.flag(),
                ids: fields.ids(),
            },
        },
        EPOCHS => {
            let dropped = fields.flag();
            let epochs = fields.epochs(dropped);
            Request::Epochs { channel, epochs }
        }
        READ => Request::Read {
            channel,
            after: fields.sequence(),
        },
        RANGE => Request::Range {
            channel,
            after: fields.path(),
        },
        OFFER => Request::Offer {
            channel,
            witness: fields.witness(),
            cells: fields.patch(),
        },
        ADOPT => Request::Adopt {
            channel,
            witness: fields.witness(),
            heads: fields.id_heads(),
        },
        PUSH => Request::Push {
            channel,
            entries: fields.entries(),
        },
        PRESENCE => Request::Presence {
            channel,
            data: fields.bytes(limits::PRESENCE_BYTES).to_vec(),
        },
        LEAVE => Request::Leave { channel },
        _ => {
            fields.unknown();
            Request::Ping
        }
    }
}
