use leptos_sync_core::{
    ReplicaId, Time,
    history::{Epochs, IdHead, RelayState, Sequence},
};

/// The history of a document, as a log returns it when a replica opens the document.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct History {
    /// The epochs in which the document was written.
    pub epochs: Epochs,
    /// The greatest number of a tombstone that was forgotten.
    pub horizon: Sequence,
    /// The time below which tombstones may have been forgotten.
    pub floor: Time,
    /// The heads of the requested ids, in the order of the request. An unknown id has number 0.
    pub heads: Vec<(ReplicaId, IdHead)>,
    /// The end of the history.
    pub state: RelayState,
}

/// The result of [`DurableLog::push`](super::DurableLog::push).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct PushOutcome {
    /// The number of entries that were stored, from the first on.
    pub count: usize,
    /// The sequence number of the first stored entry. The others have the numbers after it.
    pub first: Sequence,
    /// Whether a cell of the stored entries lost against a stored cell. Then the changes are not
    /// the entries, and have to be read.
    pub has_lost: bool,
    /// The reason why the entry after the stored ones was refused.
    pub refusal: Option<Refusal>,
    /// The time below which tombstones may have been forgotten.
    pub floor: Time,
    /// The end of the history, with the stored entries.
    pub state: RelayState,
}

/// The reason why a log does not store an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The entry does not directly follow this head of its id.
    Gap(IdHead),
    /// The entry's time is too early. This is the earliest time that the log accepts.
    TooOld(Time),
    /// The entry's time is too far ahead of the relay's clock.
    Drift,
    /// The id is bound to another user.
    Forged,
}

/// The result of [`DurableLog::join_cells`](super::DurableLog::join_cells).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct JoinOutcome {
    /// Whether no cell was omitted because of its time.
    pub all: bool,
    /// The sequence number of the change, if there was one.
    pub taken: Option<Sequence>,
    /// The end of the history, with the joined cells.
    pub state: RelayState,
}

/// The result of [`DurableLog::raise_heads`](super::DurableLog::raise_heads).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct HeadsOutcome {
    /// The heads of the ids in the order of the request. An unknown id has number 0.
    pub heads: Vec<(ReplicaId, IdHead)>,
    /// The sequence number of the change, if there was one.
    pub taken: Option<Sequence>,
    /// The end of the history, with the raised heads.
    pub state: RelayState,
}
