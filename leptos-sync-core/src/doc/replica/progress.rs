use crate::history::{Cursor, Epochs, Sequence, Witness};

/// How far a replica has read its relay's history. It is stored in one transaction with the cells
/// that it describes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// The place up to which the document's base has everything, and the latest state that the
    /// relay has reported.
    pub cursor: Cursor,
    /// The witness with the latest time. It allows cells up to that time to be offered, and may
    /// belong to another history than `cursor` that the relay has lost too.
    pub latest: Witness,
    /// The epochs of the history.
    pub epochs: Epochs,
    /// The last number at which the base was equal to the relay's document, or zero.
    pub complete: Sequence,
    /// Whether the relay lacks something that it had reported, so that both sides must be compared.
    pub comparing: bool,
    /// Whether the base may have cells that the relay of this history has never had. Then only a
    /// comparison can end `comparing`.
    pub must_compare: bool,
    /// The number of changes to the outbox other than new entries. The tabs that share the outbox
    /// detect changes by it.
    pub generation: u64,
}

impl Progress {
    pub(super) fn require_comparison(&mut self) {
        self.comparing = true;
        self.must_compare = true;
    }
}
