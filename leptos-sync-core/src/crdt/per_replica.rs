use crate::{
    clock::{Stamp, Time},
    codec::{self, CellRef, CellWriter, Group},
    crdt::{
        Applied, Join,
        traits::{OldCell, SavedCell},
    },
    error::Error,
    id::ReplicaId,
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};
use serde::{Serialize, de::DeserializeOwned};

/// A set of cells, one per replica, each written only by its replica. Counters are built on it.
///
/// Cells are sorted by replica, so a merge is one pass over both lists. A later cell of a replica
/// replaces its earlier one; no cell is ever removed.
#[derive(Clone, Debug)]
pub(super) struct PerReplica<T> {
    cells: Vec<Own<T>>,
    /// The index of the last write, since a replica usually writes repeatedly.
    last: usize,
}

/// The last write of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Own<T> {
    replica: ReplicaId,
    time: Time,
    value: T,
}

impl<T> Default for PerReplica<T> {
    fn default() -> Self {
        Self {
            cells: Vec::new(),
            last: 0,
        }
    }
}

impl<T: PartialEq> PerReplica<T> {
    pub(super) fn same_cells(&self, other: &Self) -> bool {
        self.cells == other.cells
    }
}

impl<T: Copy + Default> PerReplica<T> {
    pub(super) fn values(&self) -> impl Iterator<Item = T> {
        self.cells.iter().map(|cell| cell.value)
    }

    pub(super) fn get(&self, replica: ReplicaId) -> Option<(Stamp, T)> {
        let cell = self.cells.get(self.position(replica).ok()?)?;
        Some((Stamp::new(cell.time, replica), cell.value))
    }

    /// Changes the writer's own cell. O(1) if the same replica wrote last, else O(log replicas),
    /// and O(replicas) for a new replica.
    #[inline]
    pub(super) fn update(
        &mut self,
        stamp: Stamp,
        change: impl FnOnce(T) -> Result<T, Error>,
    ) -> Result<(), Error> {
        if let Some(cell) = self.cells.get_mut(self.last)
            && cell.replica == stamp.replica
        {
            cell.value = change(cell.value)?;
            cell.time = cell.time.max(stamp.time);
            return Ok(());
        }
        self.update_other(stamp, change)
    }

    fn update_other(
        &mut self,
        stamp: Stamp,
        change: impl FnOnce(T) -> Result<T, Error>,
    ) -> Result<(), Error> {
        match self.position(stamp.replica) {
            Ok(at) => {
                self.last = at;
                if let Some(cell) = self.cells.get_mut(at) {
                    cell.value = change(cell.value)?;
                    cell.time = cell.time.max(stamp.time);
                }
            }
            Err(at) => {
                let value = change(T::default())?;
                self.put(at, stamp, value);
            }
        }
        Ok(())
    }

    fn put(&mut self, at: usize, stamp: Stamp, value: T) {
        self.last = at;
        self.cells.insert(
            at,
            Own {
                replica: stamp.replica,
                time: stamp.time,
                value,
            },
        );
    }

    fn remove(&mut self, replica: ReplicaId) {
        self.last = 0;
        if let Ok(at) = self.position(replica) {
            self.cells.remove(at);
        }
    }

    fn position(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.cells
            .binary_search_by_key(&replica, |cell| cell.replica)
    }
}

impl<T: Copy + Default + PartialEq + Serialize + DeserializeOwned> PerReplica<T> {
    /// Joins another copy in one pass over both.
    pub(super) fn merge(&mut self, other: &Self) {
        let mut same = 0;
        // Both copies usually know the same replicas.
        for (ours, theirs) in self.cells.iter_mut().zip(&other.cells) {
            if ours.replica != theirs.replica {
                break;
            }
            if wins(theirs, ours) {
                *ours = *theirs;
            }
            same += 1;
        }
        if same < other.cells.len() {
            self.merge_from(same, other);
        }
    }

    /// Continues a merge of copies that have the same replicas before `at`.
    fn merge_from(&mut self, mut at: usize, other: &Self) {
        for theirs in other.cells.iter().skip(at) {
            while self
                .cells
                .get(at)
                .is_some_and(|ours| ours.replica < theirs.replica)
            {
                at += 1;
            }
            match self.cells.get_mut(at) {
                Some(ours) if ours.replica == theirs.replica => {
                    if wins(theirs, ours) {
                        *ours = *theirs;
                    }
                }
                _ => return self.merge_longer(at, other),
            }
            at += 1;
        }
    }

    /// Continues a merge that adds replicas. Writes to a new vector, so that one pass suffices.
    fn merge_longer(&mut self, from: usize, other: &Self) {
        let ours = std::mem::take(&mut self.cells);
        let Some(first) = ours.get(from..) else {
            return;
        };
        let mut merged = Vec::with_capacity(ours.len() + other.cells.len());
        merged.extend_from_slice(ours.get(..from).unwrap_or_default());
        let bound = merged.last().map(|cell: &Own<T>| cell.replica);
        let mut theirs = other
            .cells
            .iter()
            .skip_while(|cell| Some(cell.replica) <= bound)
            .peekable();
        for mine in first {
            while let Some(cell) = theirs.next_if(|cell| cell.replica < mine.replica) {
                merged.push(*cell);
            }
            match theirs.next_if(|cell| cell.replica == mine.replica) {
                Some(cell) if wins(cell, mine) => merged.push(*cell),
                _ => merged.push(*mine),
            }
        }
        merged.extend(theirs);
        self.cells = merged;
    }

    pub(super) fn write_cells(&self, path: &PathBuf, since: &VersionVector, out: &mut CellWriter) {
        out.group(path.as_path());
        for cell in &self.cells {
            let stamp = Stamp::new(cell.time, cell.replica);
            if !since.contains(stamp) {
                write_cell(stamp, &cell.value, out);
            }
        }
    }

    /// Writes the cell at `path` if it carries `stamp`.
    pub(super) fn write_stamped(&self, path: Path<'_>, stamp: Stamp, out: &mut CellWriter) {
        if let Some((parent, _)) = path.split_last()
            && let Some((last, value)) = self.get(stamp.replica)
            && last == stamp
        {
            out.group(parent);
            write_cell(stamp, &value, out);
        }
    }

    pub(super) fn apply_group(
        &mut self,
        rest: Segments<'_>,
        group: &Group<'_>,
        out: &mut Applied<'_>,
    ) {
        if !rest.is_empty() {
            return out.unknown_group(group);
        }
        for cell in group.cells() {
            if out.passes_over(group, cell) {
                continue;
            }
            match decode(cell) {
                Ok(theirs) => match self.position(theirs.replica) {
                    Ok(at) => {
                        if let Some(ours) =
                            self.cells.get_mut(at).filter(|ours| wins(&theirs, ours))
                        {
                            *ours = theirs;
                            out.changed(group, cell, false);
                        }
                    }
                    Err(at) => {
                        self.put(at, cell.stamp, theirs.value);
                        out.changed(group, cell, false);
                    }
                },
                Err(error) => self.give_way(group, cell, &error, out),
            }
        }
    }

    /// Handles a cell that does not decode. A later cell replaces ours, since it also wins at the
    /// relay, which does not decode values.
    #[cold]
    fn give_way(
        &mut self,
        group: &Group<'_>,
        cell: CellRef<'_>,
        error: &Error,
        out: &mut Applied<'_>,
    ) {
        if let Some(replica) = decode_key(cell.key)
            && let Some((stamp, value)) = self.get(replica)
        {
            let theirs = (cell.stamp, cell.value);
            if theirs <= (stamp, Some(&*encoded(&value))) {
                return;
            }
            self.remove(replica);
            out.changed(group, cell, false);
        }
        out.quarantine(group, cell, error);
    }

    pub(super) fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        // A cell that the version contains is here, or a quarantined one has replaced it.
        let seen = |cell: &Own<T>| join.ours_has_seen(Stamp::new(cell.time, cell.replica));
        let unseen = other.cells.iter().filter(|cell| !seen(cell));
        let new = Self {
            cells: unseen.copied().collect(),
            last: 0,
        };
        for theirs in &new.cells {
            let wins = self.position(theirs.replica).map_or(true, |at| {
                self.cells.get(at).is_none_or(|ours| wins(theirs, ours))
            });
            if wins {
                join.changed_child(&cell_key(theirs.replica), false);
            }
        }
        self.merge(&new);
    }

    pub(super) fn cell_at<'a>(
        &self,
        mut rest: Segments<'_>,
        value: &'a mut Vec<u8>,
    ) -> Option<OldCell<'a>> {
        value.clear();
        let replica = rest.next().and_then(decode_key)?;
        let cell = self.old_cell(replica, value)?;
        rest.is_empty().then(|| cell.with(value))
    }

    pub(super) fn restore(&mut self, mut rest: Segments<'_>, old: Option<OldCell<'_>>) {
        let Some(replica) = rest.next().and_then(decode_key).filter(|_| rest.is_empty()) else {
            return;
        };
        self.remove(replica);
        if let (Some(old), Err(at)) = (old, self.position(replica))
            && let Some(Ok(value)) = old.value.map(codec::decode)
        {
            self.put(at, old.stamp, value);
        }
    }

    /// Returns the current cell of `replica`, to roll a transaction back. Appends its encoded value
    /// to `value`.
    pub(super) fn old_cell(&self, replica: ReplicaId, value: &mut Vec<u8>) -> Option<SavedCell> {
        let (stamp, old) = self.get(replica)?;
        // Integers can always be encoded.
        let _ = codec::encode(&old, value);
        Some(SavedCell::count(stamp))
    }

    pub(super) fn assert_invariants(&self) {
        assert!(
            self.cells.is_sorted_by(|a, b| a.replica < b.replica),
            "the cells of a counter are sorted by replica"
        );
    }
}

/// Returns the key of a replica's cell: eight bytes, big-endian, so that paths sort like ids.
pub(crate) fn cell_key(replica: ReplicaId) -> [u8; 8] {
    replica.get().to_be_bytes()
}

fn write_cell<T: Serialize>(stamp: Stamp, value: &T, out: &mut CellWriter) {
    out.push(
        stamp,
        |bytes| {
            bytes.extend_from_slice(&cell_key(stamp.replica));
            Ok(())
        },
        Some(|bytes: &mut Vec<u8>| codec::encode(value, bytes)),
    );
}

fn decode_key(key: &[u8]) -> Option<ReplicaId> {
    Some(ReplicaId::new(u64::from_be_bytes(key.try_into().ok()?)))
}

fn decode<T: DeserializeOwned>(cell: CellRef<'_>) -> Result<Own<T>, Error> {
    let replica = decode_key(cell.key)
        .ok_or_else(|| Error::value("the key of a counter's cell is not a replica id"))?;
    if cell.stamp.replica != replica {
        return Err(Error::value(
            "a counter's cell was written by another replica",
        ));
    }
    let bytes = cell
        .value
        .ok_or_else(|| Error::value("a counter's cell cannot have a tombstone"))?;
    Ok(Own {
        replica,
        time: cell.stamp.time,
        value: codec::decode(bytes)?,
    })
}

#[inline]
fn wins<T: Serialize + PartialEq>(theirs: &Own<T>, ours: &Own<T>) -> bool {
    theirs.time > ours.time
        || (theirs.time == ours.time && theirs.value != ours.value && greater(theirs, ours))
}

/// Resolves equal stamps, which arise if a replica id was used twice: the greater bytes win.
#[cold]
fn greater<T: Serialize>(theirs: &Own<T>, ours: &Own<T>) -> bool {
    encoded(&theirs.value) > encoded(&ours.value)
}

fn encoded<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Integers can always be encoded.
    let _ = codec::encode(value, &mut bytes);
    bytes
}
