//! A relay in memory, as the rules of the protocol describe it.

use std::{collections::BTreeMap, ops::Bound};

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, PathBuf},
    history::{
        CellRange, Epoch, Epochs, IdHead, Opened, Opening, Page, Patch, Position, RelayState,
        Sequence, Witness,
    },
};

use super::oracle::{Cell, CellsByPath, Oracle, cells_of};

/// The limits of the simulated relay, in units of the simulation's time. The drift is that of
/// [`Window`](leptos_sync_core::clock::Window).
pub(crate) const DRIFT: i64 = 5;
pub(crate) const RETENTION: i64 = 60;
/// The milliseconds of a unit.
pub(crate) const UNIT_MS: i64 = 60_000;
/// The time at which the simulation starts.
const START_MS: i64 = 1_700_000_000_000;

pub(crate) fn ms(units: i64) -> u64 {
    (START_MS + units * UNIT_MS).max(0) as u64
}

#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) cell: Cell,
    sequence: u64,
    received: i64,
}

/// What a backup holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Db {
    pub(crate) cells: BTreeMap<PathBuf, Stored>,
    pub(crate) sequence: u64,
    pub(crate) epochs: Epochs,
    pub(crate) heads: BTreeMap<ReplicaId, IdHead>,
    pub(crate) floor: Time,
    pub(crate) horizon: u64,
    pub(crate) latest: Time,
}

pub(crate) struct Relay {
    pub(crate) db: Db,
    pub(crate) epoch: u64,
    pub(crate) skew: i64,
    /// The greatest floor of all times. Replicas may have forgotten the tombstones below it.
    pub(crate) greatest_floor: Time,
}

impl Relay {
    pub(crate) fn new() -> Self {
        Self {
            db: Db::default(),
            epoch: 1,
            skew: 0,
            greatest_floor: Time::ZERO,
        }
    }

    pub(crate) fn now(&self, oracle: &Oracle) -> i64 {
        oracle.now + self.skew
    }

    pub(crate) fn cells(&self) -> CellsByPath {
        let cells = self.db.cells.iter();
        cells
            .map(|(path, stored)| (path.clone(), stored.cell.clone()))
            .collect()
    }

    fn head(&self) -> Sequence {
        Sequence::new(self.db.sequence)
    }

    pub(crate) fn state(&self) -> RelayState {
        let (epoch, epoch_start) = self.db.epochs.last().unwrap_or_default();
        let sequence = self.head();
        let latest = self.db.latest;
        let head = Position { epoch, sequence };
        let seal = [7; 8];
        RelayState {
            witness: Witness { head, latest, seal },
            epoch_start,
        }
    }

    pub(super) fn begin(&mut self) -> u64 {
        let next = self.head().next();
        self.db.epochs.begin(Epoch::new(self.epoch), next);
        self.db.sequence = next.get();
        next.get()
    }

    pub(super) fn put(&mut self, path: PathBuf, cell: Cell, sequence: u64, oracle: &mut Oracle) {
        oracle.note_stored(&path, &cell);
        self.db.latest = self.db.latest.max(cell.0.time);
        if let Some(known) = self.db.cells.get(&path) {
            if known.cell == cell {
                return;
            }
            if known.cell > cell {
                return oracle.note_replaced(&path, &known.cell, &cell);
            }
            oracle.note_replaced(&path, &cell, &known.cell);
        }
        let received = oracle.now;
        let stored = Stored {
            cell,
            sequence,
            received,
        };
        self.db.cells.insert(path, stored);
    }

    pub(super) fn is_timely(&self, time: Time, cap: Time, oracle: &Oracle) -> bool {
        time.ms() <= ms(self.now(oracle) + DRIFT)
            || time.get() <= self.db.latest.get() + 1
            || time <= cap
    }

    /// Forgets tombstones that are older than the retention.
    pub(crate) fn forget(&mut self, oracle: &Oracle) {
        let old = oracle.now - RETENTION;
        let after = Time::new(self.db.latest.get() + 1);
        let floor = Time::from_ms(ms(old)).min(after);
        if floor <= self.db.floor {
            return;
        }
        self.greatest_floor = self.greatest_floor.max(floor);
        let db = &mut self.db;
        db.floor = floor;
        db.cells.retain(|_, stored| {
            let (stamp, value) = &stored.cell;
            let gone = value.is_none() && stamp.time < floor && stored.received < old;
            if gone {
                db.horizon = db.horizon.max(stored.sequence);
            }
            !gone
        });
    }

    pub(crate) fn open(&self, opening: &Opening, epochs: &Epochs, oracle: &Oracle) -> Opened {
        let db = &self.db;
        let Position { epoch, sequence } = opening.cursor.position;
        let witness = opening.cursor.witness.head;
        let end = sequence.max(witness.sequence);
        let common = |position: Position| {
            // A relay that does not know the epoch asks for all.
            let known = db.epochs.common(self.head(), position);
            let compared = || db.epochs.common_with(self.head(), epochs, end);
            known.unwrap_or_else(compared).min(position.sequence)
        };
        let mut point = common(opening.cursor.position);
        let mut diverged = point < sequence;
        let known = common(witness);
        if known < witness.sequence {
            diverged = true;
            point = point.min(known);
        }
        let list = db.epochs.list();
        let shared = |epoch| list.iter().position(|known| known.0 == epoch);
        let asked = || list.iter().rposition(|known| epochs.list().contains(known));
        let from = shared(witness.epoch)
            .or_else(|| shared(epoch))
            .or_else(asked);
        let mut tail = list[from.unwrap_or(0)..].to_vec();
        if tail.len() == 1 && from.is_some() && epochs.last() == db.epochs.last() {
            tail.clear();
        }
        let heads = opening.ids.iter();
        let heads = heads.map(|id| (*id, db.heads.get(id).copied().unwrap_or_default()));
        Opened {
            now_ms: ms(self.now(oracle)),
            floor: db.floor,
            horizon: Sequence::new(db.horizon),
            point,
            diverged: diverged || opening.comparing,
            tail,
            state: self.state(),
            heads: heads.collect(),
        }
    }

    /// Returns at most two cells after a path.
    pub(crate) fn range(&self, after: Option<&PathBuf>) -> CellRange {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut found = self.db.cells.range((from, Bound::Unbounded));
        let cells: Vec<_> = found.by_ref().take(2).collect();
        let more = cells.len() == 2;
        let upto = cells
            .last()
            .filter(|_| more)
            .map(|(path, _)| (*path).clone());
        CellRange {
            sequences: cells
                .iter()
                .map(|(_, one)| Sequence::new(one.sequence))
                .collect(),
            cells: patch(cells.iter().map(|(path, one)| (*path, &one.cell))),
            upto,
            state: self.state(),
        }
    }

    pub(crate) fn offer(
        &mut self,
        offers: &Patch,
        witness: Witness,
        oracle: &mut Oracle,
    ) -> (bool, RelayState) {
        let mut all = true;
        for (path, cell) in cells_of([offers]) {
            if !self.is_timely(cell.0.time, witness.latest, oracle) {
                all = false;
            } else if self
                .db
                .cells
                .get(&path)
                .is_none_or(|known| known.cell < cell)
            {
                let sequence = self.begin();
                self.put(path, cell, sequence, oracle);
            }
        }
        (all, self.state())
    }

    pub(crate) fn adopt(
        &mut self,
        heads: &[(ReplicaId, IdHead)],
    ) -> (Vec<(ReplicaId, IdHead)>, RelayState) {
        let mut present = Vec::new();
        for (id, head) in heads {
            let known = self.db.heads.get(id).copied().unwrap_or_default();
            if head.number > known.number {
                let mut head = *head;
                head.emptied |= known.emptied_before(head.number);
                self.db.heads.insert(*id, head);
                self.begin();
            }
            present.extend(self.db.heads.get(id).map(|head| (*id, *head)));
        }
        (present, self.state())
    }

    /// Returns about two cells that changed after a number; `None` if it is behind the horizon.
    pub(crate) fn read(&self, after: Sequence) -> Option<Page> {
        if after.get() < self.db.horizon {
            return None;
        }
        let changed = self.db.cells.iter();
        let mut changed: Vec<_> = changed
            .filter(|(_, one)| one.sequence > after.get())
            .collect();
        changed.sort_by_key(|(_, one)| one.sequence);
        let upto = match changed.get(1) {
            Some((_, one)) if changed.len() > 2 => one.sequence,
            _ => self.db.sequence,
        };
        let cells = changed.iter().filter(|(_, one)| one.sequence <= upto);
        Some(Page {
            after,
            upto: Sequence::new(upto),
            floor: self.db.floor,
            cells: patch(cells.map(|(path, one)| (*path, &one.cell))),
            state: self.state(),
        })
    }
}

fn patch<'a>(cells: impl Iterator<Item = (&'a PathBuf, &'a (Stamp, Option<Vec<u8>>))>) -> Patch {
    let patch = Patch::collect(Time::ZERO, |out| {
        for (path, (stamp, value)) in cells {
            let (parent, key) = path.as_path().split_last().unwrap();
            out.group(parent);
            out.copy(CellRef {
                key,
                stamp: *stamp,
                value: value.as_deref(),
            });
        }
    });
    Patch::decode(&patch.unwrap().encode()).unwrap()
}
