use leptos_sync_core::{
    Time,
    clock::Window,
    history::{Entry, Epoch, IdHead, Position, RelayState, Sequence, Witness},
    limits,
};

use super::Refusal;

/// The metadata of a document, without its cells, ids and earlier epochs.
///
/// It decides which entries and cells the document accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    /// The number of the last change.
    pub(super) sequence: Sequence,
    /// The epoch of the last change.
    pub(super) epoch: Epoch,
    /// The first number of that epoch.
    pub(super) epoch_start: Sequence,
    /// The greatest number of a tombstone that was forgotten.
    pub(super) horizon: Sequence,
    /// The time below which tombstones may have been forgotten.
    pub(super) floor: Time,
    /// The latest time of all cells that were accepted.
    pub(super) latest: Time,
}

impl Head {
    pub(super) fn state(&self) -> RelayState {
        let head = Position {
            epoch: self.epoch,
            sequence: self.sequence,
        };
        RelayState {
            witness: Witness {
                head,
                latest: self.latest,
                seal: [0; 8],
            },
            epoch_start: self.epoch_start,
        }
    }

    /// Returns the number of the next change.
    pub(super) fn next(&self) -> Sequence {
        self.sequence.next()
    }

    /// Records a change in `epoch`. Returns whether the document enters this epoch with it.
    pub(super) fn advance(&mut self, epoch: Epoch) -> bool {
        self.sequence = self.next();
        let begins = self.epoch != epoch;
        if begins {
            (self.epoch, self.epoch_start) = (epoch, self.sequence);
        }
        begins
    }

    /// Checks an entry, except against the floor. `id` is the head of its id.
    pub(super) fn check(&self, id: &IdHead, entry: &Entry, now_ms: u64) -> Result<(), Refusal> {
        let follows = id.number.checked_add(1) == Some(entry.id.number);
        if !follows || entry.previous != id.hash {
            return Err(Refusal::Gap(*id));
        }
        if entry.cells.is_empty() {
            return Ok(());
        }
        if entry.time <= id.time {
            return Err(Refusal::TooOld(id.time.next()));
        }
        if self.window(now_ms).is_ahead(entry.time) {
            return Err(Refusal::Drift);
        }
        Ok(())
    }

    /// Returns whether an entry is stored only if the document has a cell at each of its paths. An
    /// unknown path may be that of a forgotten tombstone.
    pub(super) fn is_below_floor(&self, entry: &Entry) -> bool {
        !entry.cells.is_empty() && entry.time < self.floor
    }

    /// Returns a predicate for the times that the relay accepts in the cells of an offer. `latest`
    /// is the latest time in the replica's witness.
    pub(super) fn offered(&self, now_ms: u64, latest: Time) -> impl Fn(Time) -> bool + use<> {
        let window = self.window(now_ms);
        move |time| !window.is_ahead(time) || time <= latest && time.ms() < limits::CLOCK_MS
    }

    /// Raises the floor, but at most to just after the latest time. If it rose further, a clock
    /// that was once wrong would make the document reject later edits.
    pub(super) fn raise_floor(&mut self, before: Time) {
        self.floor = self.floor.max(before.min(self.latest.next()));
    }

    /// Records that a tombstone is forgotten.
    pub(super) fn forget(&mut self, sequence: Sequence) {
        self.horizon = self.horizon.max(sequence);
    }

    fn window(&self, now_ms: u64) -> Window {
        Window {
            floor: Time::ZERO,
            now_ms,
            latest: self.latest,
        }
    }
}

/// Returns the head of an id after a user adopted `new`, or `None` if that is not greater.
pub(super) fn adopted(old: &IdHead, new: &IdHead) -> Option<IdHead> {
    let time = old.time.max(new.time);
    let emptied = new.emptied | old.emptied_before(new.number);
    (new.number > old.number).then_some(IdHead {
        time,
        emptied,
        ..*new
    })
}
