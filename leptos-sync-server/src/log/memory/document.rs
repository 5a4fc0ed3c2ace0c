use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
    sync::Arc,
};

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, CellWriter, Path, PathBuf},
    history::{CellRange, Entry, Epoch, Epochs, IdHead, Page, Patch, Sequence},
    internal::{is_ended, record_of_ender},
};

use super::super::{
    HeadsOutcome, History, JoinOutcome, PushOutcome, Refusal,
    head::{Head, adopted},
};
use crate::error::Error;

/// A document of a [`MemoryLog`](super::MemoryLog).
#[derive(Clone, Default)]
pub(super) struct Document {
    pub(super) head: Head,
    epochs: Epochs,
    pub(super) is_removed: bool,
    cells: BTreeMap<PathBuf, StoredCell>,
    /// The number of enders among the cells.
    enders: usize,
    /// The paths of all cells by the number of their last change.
    changes: BTreeSet<(Sequence, PathBuf)>,
    /// The user and the head of each id.
    ids: BTreeMap<ReplicaId, (Arc<str>, IdHead)>,
}

#[derive(Clone)]
struct StoredCell {
    stamp: Stamp,
    value: Option<Box<[u8]>>,
    sequence: Sequence,
    received_ms: u64,
}

impl Document {
    /// Records a change. Returns its number.
    fn advance(&mut self, epoch: Epoch) -> Sequence {
        if self.head.advance(epoch) {
            self.epochs.begin(epoch, self.head.sequence);
        }
        self.head.sequence
    }

    fn heads(&self, ids: impl Iterator<Item = ReplicaId>) -> Vec<(ReplicaId, IdHead)> {
        ids.map(|id| (id, self.id_head(id))).collect()
    }

    fn id_head(&self, id: ReplicaId) -> IdHead {
        self.ids
            .get(&id)
            .map_or_else(IdHead::default, |(_, head)| *head)
    }

    fn is_of_other(&self, id: ReplicaId, user: &str) -> bool {
        self.ids.get(&id).is_some_and(|(of, _)| **of != *user)
    }

    pub(super) fn open(&self, ids: Vec<ReplicaId>) -> History {
        History {
            epochs: self.epochs.clone(),
            horizon: self.head.horizon,
            floor: self.head.floor,
            heads: self.heads(ids.into_iter()),
            state: self.head.state(),
        }
    }

    pub(super) fn push(
        &mut self,
        epoch: Epoch,
        user: &str,
        entries: &[Entry],
        now_ms: u64,
    ) -> PushOutcome {
        let first = self.head.next();
        let mut done = PushOutcome {
            first,
            ..PushOutcome::default()
        };
        let user: Arc<str> = user.into();
        for entry in entries {
            match self.take(epoch, &user, entry, now_ms) {
                Ok(has_lost) => done.has_lost |= has_lost,
                Err(refusal) => {
                    done.refusal = Some(refusal);
                    break;
                }
            }
            done.count += 1;
        }
        done.floor = self.head.floor;
        done.state = self.head.state();
        done
    }

    /// Stores an entry. Returns whether one of its cells lost.
    fn take(
        &mut self,
        epoch: Epoch,
        user: &Arc<str>,
        entry: &Entry,
        now_ms: u64,
    ) -> Result<bool, Refusal> {
        let id = entry.id.replica;
        if self.is_of_other(id, user) {
            return Err(Refusal::Forged);
        }
        let before = self.id_head(id);
        self.head.check(&before, entry, now_ms)?;
        let has_all = || {
            let mut paths = entry.cells.cells().paths();
            // Below an ender, no tombstone can be missing that is later than the ender.
            paths.all(|path| self.cells.contains_key(&path) || self.is_ended(&path, Stamp::ZERO))
        };
        if self.head.is_below_floor(entry) && !has_all() {
            return Err(Refusal::TooOld(self.head.floor));
        }
        let sequence = self.advance(epoch);
        self.head.latest = self.head.latest.max(entry.time);
        let mut has_lost = false;
        for group in entry.cells.cells().groups() {
            for cell in group.cells() {
                has_lost |= !self.join(cell.path(group.parent()), cell, sequence, now_ms);
            }
        }
        self.ids.insert(id, (Arc::clone(user), entry.head(before)));
        Ok(has_lost)
    }

    /// Returns whether a cell would be added, or replace the one at its path.
    fn is_new(&self, path: &PathBuf, cell: &CellRef<'_>) -> bool {
        let old = self.cells.get(path);
        old.is_none_or(|old| (old.stamp, old.value.as_deref()) < (cell.stamp, cell.value))
            && !self.is_ended(path, cell.stamp)
    }

    fn is_ended(&self, path: &PathBuf, stamp: Stamp) -> bool {
        self.enders > 0
            && is_ended(path.as_path(), stamp, &mut |ender| {
                self.cells.get(ender).map(|ender| ender.stamp)
            })
    }

    /// Removes the cells that an ender ends. O(cells of the record).
    fn end(&mut self, record: Path<'_>, stamp: Stamp) {
        let below = self.cells.range(record.to_owned()..);
        let below = below.take_while(|(path, _)| is_below(path, record));
        let ended = below.filter(|(_, cell)| cell.stamp < stamp);
        for path in ended.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
            self.drop_cell(&path);
        }
    }

    fn drop_cell(&mut self, path: &PathBuf) {
        if let Some(cell) = self.cells.remove(path) {
            self.changes.remove(&(cell.sequence, path.clone()));
            self.enders -= usize::from(record_of_ender(path.as_path()).is_some());
        }
    }

    /// Joins a cell. Returns whether it wins.
    fn join(
        &mut self,
        path: PathBuf,
        cell: CellRef<'_>,
        sequence: Sequence,
        received_ms: u64,
    ) -> bool {
        if !self.is_new(&path, &cell) {
            return false;
        }
        self.changes.insert((sequence, path.clone()));
        let new = StoredCell {
            stamp: cell.stamp,
            value: cell.value.map(Into::into),
            sequence,
            received_ms,
        };
        let old = self.cells.insert(path.clone(), new);
        let is_added = old.is_none();
        if let Some(old) = old.filter(|old| old.sequence != sequence) {
            self.changes.remove(&(old.sequence, path.clone()));
        }
        if let Some(record) = record_of_ender(path.as_path()) {
            self.enders += usize::from(is_added);
            self.end(record, cell.stamp);
        }
        true
    }

    pub(super) fn page(&self, after: Sequence, bytes: usize) -> Result<Option<Page>, Error> {
        if after < self.head.horizon {
            return Ok(None);
        }
        let (mut found, mut size, mut upto) = (Vec::new(), 0, after);
        let mut is_end = true;
        let changes = (
            Bound::Included((after.next(), PathBuf::new())),
            Bound::Unbounded,
        );
        for (sequence, path) in self.changes.range(changes) {
            if size >= bytes.max(1) && *sequence > upto {
                is_end = false;
                break;
            }
            let Some(cell) = self.cells.get(path) else {
                continue;
            };
            upto = *sequence;
            size += path.as_path().as_bytes().len() + cell.bytes();
            found.push((path, cell));
        }
        if is_end {
            upto = self.head.sequence;
        }
        Ok(Some(Page {
            after,
            upto,
            floor: self.head.floor,
            cells: self.patch(&found)?,
            state: self.head.state(),
        }))
    }

    pub(super) fn range(&self, after: Option<&PathBuf>, bytes: usize) -> Result<CellRange, Error> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut cells = self.cells.range((from, Bound::Unbounded)).peekable();
        let (mut found, mut size) = (Vec::new(), 0);
        while size < bytes.max(1)
            && let Some((path, cell)) = cells.next()
        {
            size += path.as_path().as_bytes().len() + cell.bytes();
            found.push((path, cell));
        }
        let last = found.last().map(|(path, _)| (*path).clone());
        Ok(CellRange {
            cells: self.patch(&found)?,
            sequences: found.iter().map(|(_, cell)| cell.sequence).collect(),
            upto: cells.peek().and(last),
            state: self.head.state(),
        })
    }

    fn patch(&self, cells: &[(&PathBuf, &StoredCell)]) -> Result<Patch, Error> {
        let write = |out: &mut CellWriter| {
            for (path, cell) in cells {
                // The path of a cell is never the root.
                if let Some((parent, key)) = path.as_path().split_last() {
                    let (stamp, value) = (cell.stamp, cell.value.as_deref());
                    out.group(parent);
                    out.copy(CellRef { key, stamp, value });
                }
            }
        };
        Ok(Patch::collect(self.head.latest, write)?)
    }

    pub(super) fn join_cells(
        &mut self,
        epoch: Epoch,
        user: Option<&str>,
        cells: &Patch,
        now_ms: u64,
        latest: Time,
    ) -> JoinOutcome {
        let is_accepted = self.head.offered(now_ms, latest);
        let (mut all, mut joined) = (true, None);
        for group in cells.cells().groups() {
            for cell in group.cells() {
                let path = cell.path(group.parent());
                let is_foreign =
                    user.is_some_and(|user| self.is_of_other(cell.stamp.replica, user));
                if is_foreign || !is_accepted(cell.stamp.time) {
                    all = false;
                } else if self.is_new(&path, &cell) {
                    let sequence = *joined.get_or_insert_with(|| self.advance(epoch));
                    self.head.latest = self.head.latest.max(cell.stamp.time);
                    self.join(path, cell, sequence, now_ms);
                }
            }
        }
        JoinOutcome {
            all,
            taken: joined,
            state: self.head.state(),
        }
    }

    pub(super) fn raise_heads(
        &mut self,
        epoch: Epoch,
        user: &str,
        heads: &[(ReplicaId, IdHead)],
    ) -> HeadsOutcome {
        let mut changes = false;
        let user: Arc<str> = user.into();
        for (id, new) in heads {
            if !self.is_of_other(*id, &user)
                && let Some(head) = adopted(&self.id_head(*id), new)
            {
                self.ids.insert(*id, (Arc::clone(&user), head));
                changes = true;
            }
        }
        let taken = changes.then(|| self.advance(epoch));
        HeadsOutcome {
            taken,
            heads: self.heads(heads.iter().map(|(id, _)| *id)),
            state: self.head.state(),
        }
    }

    pub(super) fn forget(&mut self, before: Time, received_before_ms: u64) {
        if self.head.sequence == Sequence::ZERO {
            return;
        }
        self.head.raise_floor(before);
        let floor = self.head.floor;
        let gone = self.cells.iter().filter(|(_, cell)| {
            cell.value.is_none() && cell.stamp.time < floor && cell.received_ms < received_before_ms
        });
        let gone = gone.map(|(path, cell)| (path.clone(), cell.sequence));
        for (path, sequence) in gone.collect::<Vec<_>>() {
            self.head.forget(sequence);
            self.drop_cell(&path);
        }
    }

    pub(super) fn remove(&mut self) {
        let epochs = std::mem::take(&mut self.epochs);
        *self = Self {
            head: self.head,
            epochs,
            is_removed: true,
            ..Self::default()
        };
    }
}

/// Returns whether a path is that of a record or below it.
fn is_below(path: &PathBuf, record: Path<'_>) -> bool {
    path.as_path().as_bytes().starts_with(record.as_bytes())
}

impl StoredCell {
    fn bytes(&self) -> usize {
        self.value.as_deref().map_or(0, <[u8]>::len)
    }
}
