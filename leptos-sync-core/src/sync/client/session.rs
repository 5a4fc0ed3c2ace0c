use super::flight::Flight;
use crate::{
    clock::{Time, Window},
    history::{EntryId, Patch, RelayState, Sequence},
    path::PathBuf,
};

/// The state since the last opening.
#[derive(Default)]
pub(super) struct Session {
    /// The time of this client's clock at the latest message.
    pub(super) now_ms: u64,
    /// Whether the relay has asked for the epochs.
    pub(super) asked: bool,
    pub(super) may_write: bool,
    /// The stamps that the relay accepts, and this client's time when it learned that.
    pub(super) window: Window,
    pub(super) window_at_ms: u64,
    /// The relay's head when it reported the heads of the ids. The outbox is settled once the
    /// document has read up to it.
    pub(super) target: Sequence,
    pub(super) diverged: bool,
    /// The path after which a range was requested.
    pub(super) after: Option<PathBuf>,
    /// The path up to which the range that was received last was compared.
    pub(super) upto: Option<PathBuf>,
    /// The offers of this range that were not sent yet, the next one last.
    pub(super) offers: Vec<Patch>,
    /// Whether the relay has rejected an offer.
    pub(super) has_rejected_offers: bool,
    /// The number after which a page was requested.
    pub(super) reading: Option<Sequence>,
    /// Whether the relay sends pages without being asked.
    pub(super) is_live: bool,
    /// Whether the outbox was settled, so that entries may be pushed.
    pub(super) is_settled: bool,
    pub(super) flight: Flight,
    /// The entries that were rejected since the relay last stored one of their ids, and the number
    /// of rejections of each.
    pub(super) rejected: Vec<(EntryId, u32)>,
}

impl Session {
    /// Records which stamps the relay accepts.
    pub(super) fn note(&mut self, floor: Time, state: RelayState) {
        self.window.floor = floor;
        self.window.latest = state.witness.latest;
    }
}
