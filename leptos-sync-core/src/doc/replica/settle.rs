use xxhash_rust::xxh64::xxh64;

use super::{
    Pending,
    exchange::{Exchange, take},
    pending::{is_count, map_cells},
    rename::Renames,
};
use crate::{
    clock::{Stamp, Time},
    codec::CellRef,
    crdt::{Changes, Count, Quarantine, cell_key},
    delta::Patch,
    doc::cells::DocCells,
    error::Error,
    history::{Entry, EntryHash, EntryId, IdHead},
    id::ReplicaId,
    path::{Path, PathBuf},
};

impl Exchange {
    /// Removes the entries that the relay has, by the heads of their ids. Moves the entries of an
    /// id that has forked to a new id.
    ///
    /// Does nothing until the base has reached the head that the relay had when it reported these
    /// heads. From then on, the base has what these entries wrote.
    pub(super) fn settle(&mut self, doc: &mut dyn DocCells) -> Result<Changes, Error> {
        let mut changes = Changes::new();
        if !self.is_read() {
            return Ok(changes);
        }
        let ids = self.ids();
        if ids.iter().any(|id| self.is_missed(*id)) {
            // Compare, and offer the relay what it has lost.
            self.progress.require_comparison();
            return Err(Error::gap(
                "the relay lacks entries that it had stored; open the document again to compare",
            ));
        }
        for id in ids {
            let head = self.reported_head(id);
            if self.has_forked(id, head) {
                changes.append(self.move_fork(doc, id, head)?);
            } else {
                changes.append(self.reject_emptied(doc, id, head)?);
                let is_contained =
                    |one: &Pending| one.id().replica == id && one.id().number <= head.number;
                changes.append(self.follow_contained(doc, &is_contained)?);
                changes.append(self.remove_contained(doc, &is_contained));
                if head.emptied != 0 {
                    changes.append(self.reduce_counts(doc, id)?);
                }
            }
        }
        changes.append(self.reconcile_counts(doc)?);
        Ok(changes)
    }

    /// Empties the entries that are empty at the relay: a copy of this disk has sent them, and the
    /// relay has rejected them. Later counts must not contain them.
    fn reject_emptied(
        &mut self,
        doc: &mut dyn DocCells,
        id: ReplicaId,
        head: IdHead,
    ) -> Result<Changes, Error> {
        let mut changes = Changes::new();
        for at in 0..self.entries.len() {
            let Some(one) = self.entries.get(at) else {
                break;
            };
            let EntryId { replica, number } = one.id();
            let is_emptied = replica == id && head.is_emptied(number);
            if is_emptied && one.entry.stored.is_none() {
                let rejected = self.reject(doc, EntryId { replica, number })?;
                changes.append(rejected.map(|(_, changes)| changes).unwrap_or_default());
            }
        }
        Ok(changes)
    }

    /// Returns whether the relay lacks entries of an id that left the outbox because it had them.
    ///
    /// This happens if another tab has noticed that the relay has lost history, and this tab reads
    /// only what the relay has now.
    fn is_missed(&self, id: ReplicaId) -> bool {
        let mut mine = self.entries.iter().filter(|one| one.id().replica == id);
        let first = mine.next().map_or(0, |one| one.id().number);
        first > self.reported_head(id).number + 1
    }

    /// Reconciles the counts in the outbox with those in the base.
    ///
    /// The counts of an id only grow. If the base has a greater count than an entry, the disk was
    /// restored and the entry is old. A later time would let it replace the greater count, so its
    /// count is raised. If the base has a smaller count at a later time, the entry is restamped.
    fn reconcile_counts(&mut self, doc: &mut dyn DocCells) -> Result<Changes, Error> {
        let mut changes = Changes::new();
        for at in 0..self.entries.len() {
            let Some(one) = self
                .entries
                .get(at)
                .filter(|one| one.entry.stored.is_none())
            else {
                continue;
            };
            let (id, time) = (one.id(), one.entry.time);
            let (raised, latest) = self.compare_counts(doc, one);
            if let Some(one) = self.entries.get_mut(at) {
                one.add_counts(&raised, Count::plus)?;
            }
            let mut paths = Quarantine::default();
            for (path, _) in raised {
                paths.put(path, Stamp::default(), None, None);
            }
            changes.append(self.rebuild(doc, &paths));
            if latest >= time {
                changes.append(self.restamp(doc, id, latest.next())?);
            }
        }
        Ok(changes)
    }

    /// Returns by how much the base's counts exceed those of an entry, and the latest time of those
    /// that do not.
    fn compare_counts(&self, doc: &dyn DocCells, one: &Pending) -> (Vec<(PathBuf, Count)>, Time) {
        let (mut raised, mut latest, mut value) = (Vec::new(), Time::ZERO, Vec::new());
        one.entry.cells.cells().for_each(&mut |parent, cell| {
            let path = cell.path(parent);
            let Some(base) = self.base.cells().get(&path) else {
                return;
            };
            let counts = (
                base.value.and_then(Count::decode),
                cell.value.and_then(Count::decode),
            );
            let (Some(theirs), Some(ours)) = counts else {
                return;
            };
            if !doc
                .cell(&path, &mut value)
                .is_some_and(|cell| cell.is_count)
            {
                return;
            }
            let more = theirs.max(ours).minus(ours);
            if more != ours.minus(ours) {
                raised.push((path, more));
            } else if theirs != ours {
                latest = latest.max(base.stamp.time);
            }
        });
        (raised, latest)
    }

    /// Returns whether the relay has an entry of this page's id that this page has not written, or
    /// another entry under the number of a known one.
    ///
    /// In that case, the page's memory was cloned, for example with its virtual machine.
    fn has_forked(&self, id: ReplicaId, head: IdHead) -> bool {
        let own = self.own.filter(|(own, _)| own.replica == id);
        if own.is_some_and(|(own, _)| head.number > own.number) {
            return true;
        }
        let differs = |number: u64, hash| number == head.number && hash != head.hash;
        let mut mine = self.entries.iter().filter(|one| one.id().replica == id);
        head.number > 0
            && (own.is_some_and(|(own, hash)| differs(own.number, hash))
                || mine.any(|one| {
                    let number = one.id().number;
                    differs(number, one.entry.hash) || differs(number - 1, one.entry.previous)
                }))
    }

    /// Restamps entries where necessary, so that they stay later than the contained entries whose
    /// cells they replaced.
    ///
    /// If a copy of this disk has restamped the contained entry before it sent it, the base has its
    /// cells at a later time than this outbox.
    pub(super) fn follow_contained(
        &mut self,
        doc: &mut dyn DocCells,
        is_contained: &dyn Fn(&Pending) -> bool,
    ) -> Result<Changes, Error> {
        let mut moved = Vec::new();
        for one in self.entries.iter().filter(|one| is_contained(one)) {
            one.entry.cells.cells().for_each(&mut |parent, cell| {
                let path = cell.path(parent);
                let base = self.base.cells().get(&path);
                // A later entry of the same writer has another value.
                let same = base.filter(|held| {
                    held.stamp.replica == cell.stamp.replica && held.value == cell.value
                });
                let stamp = same.map_or(Stamp::default(), |held| held.stamp);
                if stamp != cell.stamp {
                    moved.push((path, cell.stamp, stamp));
                }
            });
        }
        let mut changes = Changes::new();
        for at in 0..self.entries.len() {
            let Some(one) = self.entries.get_mut(at).filter(|one| !is_contained(one)) else {
                continue;
            };
            let mut latest = Time::ZERO;
            for (path, old, new) in &moved {
                let seen = one.seen.get(path).map(|held| held.stamp);
                if seen == Some(*old) {
                    one.see(path, *new);
                    latest = latest.max(new.time);
                }
            }
            if latest >= one.entry.time && one.entry.stored.is_none() {
                let id = one.id();
                changes.append(self.restamp(doc, id, latest.next())?);
            }
        }
        Ok(changes)
    }

    /// Removes entries that the base contains.
    pub(super) fn remove_contained(
        &mut self,
        doc: &mut dyn DocCells,
        is_contained: &dyn Fn(&Pending) -> bool,
    ) -> Changes {
        let mut paths = Quarantine::default();
        for one in take(&mut self.entries, is_contained) {
            self.leave(&one, Time::ZERO);
            paths.note_paths(one.entry.cells.cells());
        }
        let changes = self.rebuild(doc, &paths);
        self.clear_base();
        changes
    }

    /// Moves the entries of a forked id to an id that is derived from the first one, so that all
    /// clones name them alike. Entries whose cells the base has are removed instead.
    fn move_fork(
        &mut self,
        doc: &mut dyn DocCells,
        id: ReplicaId,
        head: IdHead,
    ) -> Result<Changes, Error> {
        if self.own.is_some_and(|(own, _)| own.replica == id) {
            // The next transaction draws a new id.
            self.own = None;
        }
        let base = &self.base;
        let in_base = |one: &Pending| {
            let mut found = false;
            one.entry.cells.cells().for_each(&mut |parent, cell| {
                let held = base.cells().get(&cell.path(parent));
                found |=
                    held.is_some_and(|held| (held.stamp, held.value) == (cell.stamp, cell.value));
            });
            found
        };
        let stored = self.entries.iter().filter(|one| one.id().replica == id);
        let stored = stored.filter(|one| one.id().number <= head.number && in_base(one));
        let stored = stored.map(|one| one.id().number).max().unwrap_or_default();
        let mut changes = self.remove_contained(doc, &|one| {
            one.id().replica == id && one.id().number <= stored
        });
        let moved = take(&mut self.entries, &|one| one.id().replica == id);
        changes.append(self.move_entries(doc, &moved)?);
        Ok(changes)
    }

    pub(super) fn move_entries(
        &mut self,
        doc: &mut dyn DocCells,
        moved: &[Pending],
    ) -> Result<Changes, Error> {
        let Some(first) = moved.first() else {
            return Ok(Changes::new());
        };
        let derived = ReplicaId::new(first.entry.hash.get());
        let renames = Renames::new(doc, moved, derived);
        let (mut previous, mut paths) = (EntryHash::default(), Quarantine::default());
        for (number, one) in (1..).zip(moved) {
            let (cells, seen) = self.moved_cells(doc, one, derived, &renames)?;
            let hash = derived_hash(one.entry.hash);
            paths.note_paths(one.entry.cells.cells());
            self.cover(doc, &cells);
            paths.note_paths(cells.cells());
            let entry = Entry {
                id: EntryId {
                    replica: derived,
                    number,
                },
                previous,
                hash,
                time: one.entry.time,
                cells,
                stored: None,
                user: one.entry.user,
            };
            previous = hash;
            self.removed.push(one.id());
            self.append(Pending::new(entry, seen));
        }
        Ok(self.rebuild(doc, &paths))
    }

    /// Returns the cells of an entry under another id, and what they replace. Increments stay
    /// increments, and the tags that the moved entries have created get new names.
    fn moved_cells(
        &self,
        doc: &dyn DocCells,
        one: &Pending,
        derived: ReplicaId,
        renames: &Renames,
    ) -> Result<(Patch, Quarantine), Error> {
        let stamp = Stamp::new(one.entry.time, derived);
        let mut seen = one.seen.clone();
        renames.rename_seen(&mut seen);
        let key = cell_key(derived);
        let cells = map_cells(&one.entry.cells, stamp.time, &mut |out, path, cell| {
            let value = cell.value.filter(|_| is_count(doc, path, cell));
            let Some(added) = value.and_then(|value| one.increment(path, value)) else {
                let renamed = renames.key(cell.key);
                let key = renamed.as_deref().unwrap_or(cell.key);
                return out.copy(CellRef { key, stamp, ..cell });
            };
            let at = counter(path.as_path()).child(&key);
            let before = self.count_at(doc, &at);
            seen.remove(path);
            if let Some((stamp, count)) = before {
                seen.put(at, stamp, Some(&count.encode()), None);
            }
            let value = before
                .map(|(_, count)| count)
                .unwrap_or_default()
                .plus(added)
                .encode();
            let (key, value) = (&key[..], Some(&*value));
            out.copy(CellRef { key, stamp, value });
        })?;
        Ok((cells, seen))
    }

    /// Returns the count at a path, with the outbox.
    fn count_at(&self, doc: &dyn DocCells, path: &PathBuf) -> Option<(Stamp, Count)> {
        let mut value = Vec::new();
        let base = super::comparison::base_cell(&self.base, doc, path, &mut value);
        let mut found = base.and_then(|cell| Some((cell.stamp, Count::decode(cell.value?)?)));
        for one in &self.entries {
            one.entry.cells.cells().for_each(&mut |parent, cell| {
                let count = cell.value.and_then(Count::decode);
                let is_later = found.is_none_or(|(known, _)| known < cell.stamp);
                if is_later && cell.path(parent) == *path {
                    found = count.map(|count| (cell.stamp, count));
                }
            });
        }
        found
    }
}

/// Returns the path of a counter from that of its cell.
fn counter(cell: Path<'_>) -> PathBuf {
    let parent = cell.split_last().map(|(parent, _)| parent);
    parent.unwrap_or(Path::ROOT).to_owned()
}

/// Returns the hash of a moved entry, which is the same for all clones.
fn derived_hash(hash: EntryHash) -> EntryHash {
    EntryHash::new(xxh64(&hash.get().to_le_bytes(), 0).max(1))
}
