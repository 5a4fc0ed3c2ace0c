use super::{Cursor, Entry, EntryId, Epoch, IdHead, Patch, Sequence, Witness};
use crate::{
    clock::{Time, Window},
    id::ReplicaId,
    path::PathBuf,
};

/// The state of a document's history at a relay, which each answer of the relay carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct RelayState {
    /// The head and the latest time. The head's epoch is the last one in which the document was
    /// written, or [`Epoch::NONE`] if it never was.
    pub witness: Witness,
    /// The first number of the head's epoch.
    pub epoch_start: Sequence,
}

impl RelayState {
    /// Returns the greatest number.
    pub fn head(&self) -> Sequence {
        self.witness.head.sequence
    }

    /// Returns the last epoch in which the document was written.
    pub fn epoch(&self) -> Epoch {
        self.witness.head.epoch
    }
}

/// A replica's request to open a document.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Opening {
    /// The place to which the replica has read.
    pub cursor: Cursor,
    /// Whether the replica has started to compare its state with the relay's and has not finished.
    pub comparing: bool,
    /// The writers of the entries in the outbox, and the page's own id if it has written. At most
    /// [`limits::OUTBOX_IDS`](crate::limits::OUTBOX_IDS).
    pub ids: Vec<ReplicaId>,
}

/// The relay's answer to the opening of a document.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Opened {
    /// The relay's time in milliseconds since 1970.
    pub now_ms: u64,
    /// The time below which the relay accepts no cells at new paths.
    pub floor: Time,
    /// The number up to which tombstones were forgotten. A replica whose position is before it has
    /// to compare.
    pub horizon: Sequence,
    /// The last number that the replica's history and the relay's have in common.
    pub point: Sequence,
    /// Whether the relay lacks something that it had reported to the replica, or the replica has
    /// not finished an earlier comparison.
    pub diverged: bool,
    /// The relay's epochs from the one of `point` on. Empty if that is the current one.
    pub tail: Vec<(Epoch, Sequence)>,
    /// The state of the history.
    pub state: RelayState,
    /// The heads of the ids that the replica asked for. An id that the relay does not know has
    /// number 0.
    pub heads: Vec<(ReplicaId, IdHead)>,
}

/// How a replica continues once the relay has opened its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The replica compares all cells, because the relay has lost history, or has forgotten
    /// removals that the replica has not seen.
    Compare,
    /// The replica reads the pages after its position.
    Read,
}

impl Opened {
    /// Returns the stamps that the relay accepts.
    pub fn window(&self) -> Window {
        Window {
            floor: self.floor,
            now_ms: self.now_ms,
            latest: self.state.witness.latest,
        }
    }
}

/// The cells that changed after one number and up to another one, with whole numbers.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Page {
    /// The number before the page's first one.
    pub after: Sequence,
    /// The page's last number.
    pub upto: Sequence,
    /// The time below which the relay accepts no cells at new paths.
    pub floor: Time,
    /// The last write of each cell that changed.
    pub cells: Patch,
    /// The state of the history.
    pub state: RelayState,
}

/// All cells of a range of paths, in path order.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CellRange {
    /// The cells.
    pub cells: Patch,
    /// The number of each cell's last change, in the order of `cells`.
    pub sequences: Vec<Sequence>,
    /// The last path of the range, or `None` if the range reaches to the end.
    pub upto: Option<PathBuf>,
    /// The state of the history.
    pub state: RelayState,
}

/// The acknowledgement of consecutive entries of one writer, which got consecutive numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Ack {
    /// The first entry.
    pub id: EntryId,
    /// The number of entries.
    pub count: u64,
    /// The sequence number of the first entry. Its epoch is that of `state`.
    pub first: Sequence,
    /// The state of the history.
    pub state: RelayState,
}

impl Ack {
    /// Returns the sequence number of an entry, if it is among the acknowledged ones.
    pub fn sequence(&self, entry: &Entry) -> Option<Sequence> {
        let place = entry.id.number.checked_sub(self.id.number)?;
        let is_here = entry.id.replica == self.id.replica && place < self.count;
        is_here.then(|| Sequence::new(self.first.get().saturating_add(place)))
    }
}
