use crate::{
    history::{Entry, EntryId, Epochs, IdHead, Opening, Patch, Sequence, Witness},
    id::ReplicaId,
    path::PathBuf,
    sync::message::Channel,
};

/// A request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientRequest {
    /// Requests admission or renews credentials. The relay answers with
    /// [`welcome`](super::Host::welcome) or [`bye`](super::Host::bye).
    Admission {
        /// The protocol that both ends use.
        protocol: u16,
        /// The credentials that prove the user's identity.
        credentials: Vec<u8>,
        /// Whether the client is already admitted and renews its credentials.
        again: bool,
    },
    /// Starts or restarts the exchange of a document. The relay answers with `Opened`,
    /// `EpochsNeeded`, `Closed` or `Removed`.
    Open {
        /// The document's number on this connection. The document may be open already.
        channel: Channel,
        /// The document's name.
        document: String,
        /// The fingerprint of its type, or 0 if the client sent none.
        schema: u64,
        /// The client's state.
        opening: Opening,
    },
    /// The client's epochs, for the opening that the relay has not answered yet. The relay answers
    /// like [`Open`](ClientRequest::Open), but not with `EpochsNeeded`.
    Epochs {
        /// The document.
        channel: Channel,
        /// The epochs.
        epochs: Epochs,
    },
    /// Requests the next page. The relay answers with `Page` or `BehindHorizon`. If the page
    /// reaches the head, the relay sends all later ones without being asked.
    Read {
        /// The document.
        channel: Channel,
        /// The number up to which the client has read.
        after: Sequence,
    },
    /// Requests the cells after a path. The relay answers with `Cells`.
    Range {
        /// The document.
        channel: Channel,
        /// The path, or `None` for the start.
        after: Option<PathBuf>,
    },
    /// Restores cells that the relay has lost. The relay checks the seal of the witness, stores the
    /// cells in steps of bounded size, and answers with `Offered`.
    Offer {
        /// The document.
        channel: Channel,
        /// A state that the relay has once reported.
        witness: Witness,
        /// The cells, at most [`limits::TRANSACTION_BYTES`](crate::limits::TRANSACTION_BYTES). They
        /// may be more cells than a transaction may have.
        cells: Patch,
    },
    /// Restores the heads of the client's ids. The relay answers with `Adopted`.
    Adopt {
        /// The document.
        channel: Channel,
        /// A state that the relay has once reported.
        witness: Witness,
        /// The heads.
        heads: Vec<(ReplicaId, IdHead)>,
    },
    /// Stores entries. The relay acknowledges or rejects each, or reports a gap. After a rejection
    /// or a gap it takes no further entry of the same id from this push.
    Push {
        /// The document.
        channel: Channel,
        /// The entries.
        entries: Vec<Entry>,
    },
    /// Pushes entries although the user may not write. The relay answers with a rejection for each.
    ForbiddenPush {
        /// The document.
        channel: Channel,
        /// The first entry of each id.
        entries: Vec<EntryId>,
    },
    /// Offers data although the user may not write. The document is closed already.
    Forbidden {
        /// The channel of the document.
        channel: Channel,
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
