//! Cells without types.

mod bytes;
mod paths;
#[cfg(test)]
mod tests;

use std::fmt;

use self::{bytes::Bytes, paths::Paths};
use super::{
    Applied, Count, Crdt, Join, Root, Stable,
    containment::{self, record_of_ender},
    lww_map::{Entry, Table},
    traits::OldCell,
};
use crate::{
    clock::Stamp,
    codec::{CellRef, CellWriter, Group},
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// The untyped cells of a document by path, as a relay holds them.
///
/// A `Doc<CellMap>` accepts deltas and snapshots of documents of any type, and can send them on. It
/// does not decode cells: the later one wins. Among equal stamps the greater bytes win, and a
/// tombstone loses to any value. The tombstone at the nameless segment below a record ends the
/// record's older cells. A cell takes 48 bytes and a slot in a hash table. Each path or
/// value of more than 14 bytes takes an allocation.
///
/// ```
/// use leptos_sync_core::{Clock, Crdt, Doc, LwwRegister, ReplicaId, cells::CellMap};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: LwwRegister<String>,
/// }
///
/// let mut ada = Doc::<Page>::new(Clock::system(ReplicaId::new(1)));
/// let mut relay = Doc::<CellMap>::new(Clock::system(ReplicaId::new(2)));
/// let mut bob = Doc::<Page>::new(Clock::system(ReplicaId::new(3)));
///
/// relay.apply(&ada.transact(|tx| tx.title().set("Plans".to_owned()))?.delta)?;
/// bob.apply(&relay.delta_since(bob.version())?)?;
/// assert_eq!(bob.state().title.get(), "Plans");
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CellMap(Table<Bytes, Bytes>, Paths);

impl CellMap {
    /// Creates an empty map. Allocates nothing.
    pub fn new() -> Self {
        Self(Table::new(), Paths::default())
    }

    /// Returns the number of cells, including tombstones. O(1).
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there are no cells. O(1).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of tombstones. O(1).
    pub fn tombstones(&self) -> usize {
        self.0.len() - self.0.live()
    }

    /// Returns the stamp and encoded value of the cell at `path`; the value is `None` for a
    /// tombstone. One hash look-up.
    pub fn get(&self, path: Path<'_>) -> Option<(Stamp, Option<&[u8]>)> {
        let entry = self.0.get(path.as_bytes())?;
        Some((entry.stamp, entry.value.as_ref().map(Bytes::as_slice)))
    }

    /// Iterates over all cells, in an order that differs between replicas.
    pub fn iter(&self) -> impl Iterator<Item = (Path<'_>, Stamp, Option<&[u8]>)> {
        self.0.entries().map(|entry| {
            let value = entry.value.as_ref().map(Bytes::as_slice);
            (path(entry), entry.stamp, value)
        })
    }

    /// Joins a cell. Returns `None` if it loses, otherwise whether its path was added or removed.
    /// Passes each cell that it ends to `ended`, and whether that cell was live.
    fn take(
        &mut self,
        path: &[u8],
        stamp: Stamp,
        value: Option<&[u8]>,
        ended: &mut dyn FnMut(Path<'_>, bool),
    ) -> Option<bool> {
        let at = Path::trusted(path);
        if self.1.is_kept() && self.is_ended(at, stamp) {
            return None;
        }
        let existence = self.put(path, stamp, value)?;
        if value.is_none()
            && let Some(record) = record_of_ender(at)
        {
            self.end(record, stamp, ended);
        }
        Some(existence)
    }

    fn is_ended(&self, path: Path<'_>, stamp: Stamp) -> bool {
        containment::is_ended(path, stamp, &mut |ender| {
            let (stamp, value) = self.get(ender.as_path())?;
            value.is_none().then_some(stamp)
        })
    }

    /// Removes the cells that an ender ends. O(cells of the record), and O(cells) for the first
    /// ender.
    #[cold]
    fn end(&mut self, record: Path<'_>, stamp: Stamp, ended: &mut dyn FnMut(Path<'_>, bool)) {
        let paths = self.0.entries().map(|entry| entry.key.as_slice());
        for path in self.1.below(record, paths) {
            let is_older = |slot: &u32| self.0.entry(*slot).stamp < stamp;
            if let Some(slot) = self.0.find(&*path).filter(is_older) {
                let gone = self.0.detach(slot);
                self.1.remove(&path);
                ended(
                    Path::trusted(&path),
                    gone.is_some_and(|cell| cell.value.is_some()),
                );
            }
        }
    }

    fn put(&mut self, path: &[u8], stamp: Stamp, value: Option<&[u8]>) -> Option<bool> {
        let slot = match self.0.look_up(path) {
            Ok(slot) => slot,
            Err(vacant) => {
                let entry = Entry {
                    key: Bytes::new(path),
                    value: value.map(Bytes::new),
                    stamp,
                };
                self.0.push(vacant, entry);
                self.1.add(path);
                return Some(value.is_some());
            }
        };
        let ours = self.0.entry(slot);
        let our_value = ours.value.as_ref().map(Bytes::as_slice);
        let wins = (stamp, value) > (ours.stamp, our_value);
        let existence = our_value.is_some() != value.is_some();
        wins.then(|| {
            self.0.replace(slot, value.map(Bytes::new), stamp);
            existence
        })
    }
}

impl Root for CellMap {}

impl Crdt for CellMap {
    fn merge(&mut self, other: &Self) {
        for theirs in other.0.entries() {
            let value = theirs.value.as_ref().map(Bytes::as_slice);
            self.take(theirs.key.as_slice(), theirs.stamp, value, &mut |_, _| {});
        }
    }

    /// Writes cells in path order, so that cells with a common parent are adjacent. O(n log n) in
    /// the number of written cells.
    fn write_cells(&self, _: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        let mut cells: Vec<_> = self.0.since(since).collect();
        // Sort by parent first. The order of the encoded paths alone would mix children and
        // grandchildren.
        cells.sort_unstable_by_key(|entry| (path(entry).split_last(), entry.stamp));
        out.reserve(cells.len());
        for entry in cells {
            if let Some((parent, key)) = path(entry).split_last() {
                out.group(parent);
                out.copy(CellRef {
                    key,
                    stamp: entry.stamp,
                    value: entry.value.as_ref().map(Bytes::as_slice),
                });
            }
        }
    }

    /// Writes nothing, since a transaction writes only typed parts.
    fn write_stamped(&self, _: Segments<'_>, _: Path<'_>, _: Stamp, _: &mut CellWriter) {}

    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        if self.is_empty() {
            self.0.reserve(group.len());
        }
        let mut path = rest.as_bytes().to_vec();
        let parent = path.len();
        for cell in group.cells() {
            if out.passes_over(group, cell) {
                continue;
            }
            path.truncate(parent);
            PathBuf::append_child(&mut path, Path::ROOT, cell.key);
            let ended = &mut |path: Path<'_>, was_live| out.ended(path, was_live);
            if let Some(existence) = self.take(&path, cell.stamp, cell.value, ended) {
                out.changed(group, cell, existence);
            }
        }
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        for theirs in other.0.since(join.ours()) {
            let value = theirs.value.as_ref().map(Bytes::as_slice);
            let ended = &mut |path: Path<'_>, was_live| join.changed_at(path, was_live);
            let (key, stamp) = (theirs.key.as_slice(), theirs.stamp);
            if let Some(existence) = self.take(key, stamp, value, ended) {
                join.changed_at(path(theirs), existence);
            }
        }
        if !join.theirs_has_forgotten() {
            return;
        }
        self.0.remove_where(|ours| {
            let gone = join.theirs_has_seen(ours.stamp) && other.0.get(&ours.key).is_none();
            if gone && ours.value.is_some() {
                join.changed_at(path(ours), true);
            }
            gone
        });
        self.1.forget();
    }

    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        value.clear();
        let slot = self.0.find(rest.as_bytes())?;
        let entry = self.0.entry(slot);
        value.extend_from_slice(entry.value.as_ref().map_or(&[], Bytes::as_slice));
        let value = entry.value.is_some().then_some(value.as_slice());
        Some(OldCell {
            stamp: entry.stamp,
            value,
            place: self.0.place(slot),
            is_count: Count::is_likely(path(entry), entry.stamp, value),
            tags: None,
        })
    }

    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>) {
        let slot = self.0.find(rest.as_bytes());
        match (old, slot) {
            (None, Some(slot)) => {
                self.0.detach(slot);
                self.1.remove(rest.as_bytes());
            }
            (Some(old), Some(slot)) => {
                let value = old.value.map(Bytes::new);
                self.0.put_back(slot, value, old.stamp, old.place);
            }
            (Some(old), None) => {
                let value = old.value.map(Bytes::new);
                self.0.write(Bytes::new(rest.as_bytes()), value, old.stamp);
                self.1.add(rest.as_bytes());
            }
            (None, None) => {}
        }
    }

    fn forget_tombstones(&mut self, stable: Stable<'_>) {
        self.0.forget_tombstones(stable);
        self.1.forget();
    }

    fn assert_invariants(&self) {
        self.0.assert_invariants();
    }
}

/// Returns the path of an entry.
fn path(entry: &Entry<Bytes, Bytes>) -> Path<'_> {
    Path::trusted(entry.key.as_slice())
}

impl Default for CellMap {
    fn default() -> Self {
        Self::new()
    }
}

impl PartialEq for CellMap {
    /// Returns whether both have the same cells, including tombstones.
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .iter()
                .all(|(path, stamp, value)| other.get(path) == Some((stamp, value)))
    }
}

impl Eq for CellMap {}

impl fmt::Debug for CellMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cells = self
            .iter()
            .map(|(path, stamp, value)| (path, (stamp, value)));
        f.debug_map().entries(cells).finish()
    }
}
