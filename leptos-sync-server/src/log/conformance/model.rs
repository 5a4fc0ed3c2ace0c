//! A document of a relay in its simplest form, which the histories compare with the log.

use std::collections::BTreeMap;

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::PathBuf,
    history::{Entry, EntryHash, IdHead},
    limits::{CLOCK_MS, DRIFT_MS},
};

use super::cells::{Cell, CellsByPath, by_path, record_of};
use crate::Refusal;

/// A cell with the number of its last change and the time in milliseconds when it was received.
#[derive(Clone, Debug)]
pub(super) struct Numbered {
    pub(super) cell: Cell,
    pub(super) sequence: u64,
    received: u64,
}

/// Returns the bits of a head's empty entries, as counted from a later entry with this number.
fn shifted(head: IdHead, number: u64) -> u64 {
    (0..64)
        .filter(|bit| head.emptied >> bit & 1 == 1)
        .map(|bit| bit + number - head.number)
        .filter(|bit| *bit < 64)
        .fold(0, |bits, bit| bits | 1 << bit)
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) cells: BTreeMap<PathBuf, Numbered>,
    pub(super) sequence: u64,
    /// The periods in which the document was written, each with its first number. A period ends
    /// when the log starts an epoch.
    pub(super) periods: Vec<(u64, u64)>,
    pub(super) heads: BTreeMap<ReplicaId, (String, IdHead)>,
    pub(super) floor: Time,
    pub(super) horizon: u64,
    pub(super) latest: Time,
    pub(super) is_removed: bool,
}

impl Model {
    pub(super) fn head(&self, id: ReplicaId) -> IdHead {
        self.heads
            .get(&id)
            .map_or_else(IdHead::default, |head| head.1)
    }

    fn bump(&mut self, period: u64) -> u64 {
        self.sequence += 1;
        if self.periods.last().is_none_or(|last| last.0 != period) {
            self.periods.push((period, self.sequence));
        }
        self.sequence
    }

    /// Returns whether an ender above a path is later than a stamp.
    fn is_ended(&self, path: &PathBuf, stamp: Stamp) -> bool {
        let segments: Vec<_> = path.as_path().segments().collect();
        self.cells.iter().any(|(ender, cell)| {
            record_of(ender).is_some_and(|record| segments.starts_with(&record))
                && stamp < cell.cell.stamp
        })
    }

    fn put(&mut self, path: PathBuf, cell: Cell, sequence: u64, received: u64) -> bool {
        self.latest = self.latest.max(cell.stamp.time);
        let wins = self.cells.get(&path).is_none_or(|old| old.cell < cell)
            && !self.is_ended(&path, cell.stamp);
        if wins {
            if let Some(record) = record_of(&path) {
                self.cells.retain(|path, old| {
                    let segments: Vec<_> = path.as_path().segments().collect();
                    !segments.starts_with(&record) || old.cell.stamp >= cell.stamp
                });
            }
            self.cells.insert(
                path,
                Numbered {
                    cell,
                    sequence,
                    received,
                },
            );
        }
        wins
    }

    fn is_timely(&self, time: Time, now: u64) -> bool {
        let follows = time.get() <= self.latest.get() + 1 && time.ms() < CLOCK_MS;
        time.ms() <= now + DRIFT_MS || follows
    }

    fn is_of_other(&self, id: ReplicaId, user: &str) -> bool {
        self.heads.get(&id).is_some_and(|head| head.0 != user)
    }

    /// Returns whether a cell lost.
    pub(super) fn push(
        &mut self,
        period: u64,
        user: &str,
        entry: &Entry,
        now: u64,
    ) -> Result<bool, Refusal> {
        let id = entry.id.replica;
        if self.is_of_other(id, user) {
            return Err(Refusal::Forged);
        }
        let head = self.head(id);
        if (entry.id.number, entry.previous) != (head.number + 1, head.hash) {
            return Err(Refusal::Gap(head));
        }
        let cells = by_path(&entry.cells);
        if !cells.is_empty() {
            if entry.time <= head.time {
                return Err(Refusal::TooOld(Time::new(head.time.get() + 1)));
            }
            if !self.is_timely(entry.time, now) {
                return Err(Refusal::Drift);
            }
            let has =
                |path: &PathBuf| self.cells.contains_key(path) || self.is_ended(path, Stamp::ZERO);
            if entry.time < self.floor && !cells.keys().all(has) {
                return Err(Refusal::TooOld(self.floor));
            }
        }
        let time = if cells.is_empty() {
            head.time
        } else {
            entry.time
        };
        let head = IdHead {
            number: entry.id.number,
            hash: entry.hash,
            time,
            emptied: shifted(head, entry.id.number) | u64::from(entry.cells.is_empty()),
        };
        self.heads.insert(id, (user.to_owned(), head));
        let sequence = self.bump(period);
        let mut has_lost = false;
        for (path, cell) in cells {
            has_lost |= !self.put(path, cell, sequence, now);
        }
        Ok(has_lost)
    }

    /// Returns whether all cells were in time.
    pub(super) fn join_cells(
        &mut self,
        period: u64,
        user: Option<&str>,
        cells: &CellsByPath,
        now: u64,
        latest: Time,
    ) -> bool {
        let timely = |cell: &Cell| {
            let Stamp { time, replica } = cell.stamp;
            user.is_none_or(|user| !self.is_of_other(replica, user))
                && (self.is_timely(time, now) || time <= latest && time.ms() < CLOCK_MS)
        };
        let (taken, late): (CellsByPath, CellsByPath) = cells
            .clone()
            .into_iter()
            .partition(|(_, cell)| timely(cell));
        let is_new = |(path, cell): &(PathBuf, Cell)| {
            self.cells.get(path).is_none_or(|old| old.cell < *cell)
                && !self.is_ended(path, cell.stamp)
        };
        let new: Vec<_> = taken.into_iter().filter(is_new).collect();
        if !new.is_empty() {
            let sequence = self.bump(period);
            for (path, cell) in new {
                self.put(path, cell, sequence, now);
            }
        }
        late.is_empty()
    }

    pub(super) fn raise_heads(&mut self, period: u64, user: &str, heads: &[(ReplicaId, IdHead)]) {
        let mut changed = false;
        for (id, new) in heads {
            let old = self.head(*id);
            if !self.is_of_other(*id, user) && new.number > old.number {
                let time = old.time.max(new.time);
                let emptied = new.emptied | shifted(old, new.number);
                let head = IdHead {
                    time,
                    emptied,
                    ..*new
                };
                self.heads.insert(*id, (user.to_owned(), head));
                changed = true;
            }
        }
        if changed {
            self.bump(period);
        }
    }

    pub(super) fn forget(&mut self, before: Time, received_before: u64) {
        if self.sequence == 0 {
            return;
        }
        let end = Time::new(self.latest.get() + 1);
        self.floor = self.floor.max(before.min(end));
        let floor = self.floor;
        let gone = |cell: &Numbered| {
            cell.cell.value.is_none()
                && cell.cell.stamp.time < floor
                && cell.received < received_before
        };
        let cells = std::mem::take(&mut self.cells).into_iter();
        let (removed, kept): (Vec<_>, Vec<_>) = cells.partition(|(_, cell)| gone(cell));
        self.cells.extend(kept);
        let last = removed.iter().map(|(_, cell)| cell.sequence).max();
        self.horizon = self.horizon.max(last.unwrap_or_default());
    }

    pub(super) fn remove(&mut self) {
        self.is_removed = self.sequence > 0;
    }

    /// Returns the hash of an entry that the document does not have.
    pub(super) fn other_hash(hash: EntryHash) -> EntryHash {
        EntryHash::new(hash.get() ^ 1 << 63)
    }
}
