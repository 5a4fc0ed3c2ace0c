use std::collections::{BTreeMap, btree_map::Entry};

use super::{Applied, Crdt, Join, LwwMap, OldCell, Root, Stable, containment::end_cells};
use crate::{
    clock::Stamp,
    codec::{self, CellWriter, Cells, Group},
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// A map of records by key. Each record is a CRDT that is inserted and removed as a whole.
///
/// The existence of a record is a separate cell, in a map below the empty segment, which no key
/// has. The record's cells are below its key.
///
/// ```text
/// "" / key    →  present or removed: the record's last insertion or removal
/// key / …     →  the record's own cells
/// ```
///
/// An insertion or removal ends all older cells of the record; of two insertions or removals at one
/// key, the later one wins. So a removal wins over earlier edits, and over later edits by replicas
/// that have not seen it. Such later edits are kept, but hidden until the record is inserted again.
/// Which cells are ended depends only on the set of all cells, so copies converge.
#[derive(Clone)]
pub(crate) struct Records<T> {
    pub(crate) present: LwwMap<Vec<u8>, ()>,
    pub(crate) records: BTreeMap<Vec<u8>, T>,
}

/// The segment of the map that states which records exist.
pub(crate) const PRESENT: &[u8] = b"";

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self {
            present: LwwMap::new(),
            records: BTreeMap::new(),
        }
    }
}

impl<T: Root> Records<T> {
    /// Returns the record at `key`, if it exists.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&T> {
        self.records.get(key).filter(|_| self.present.contains(key))
    }

    /// Removes the cells that the record's last insertion or removal has ended.
    pub(crate) fn end(&mut self, key: &[u8]) {
        if let (Some(stamp), Some(record)) = (self.present.stamp(key), self.records.get_mut(key)) {
            forget_before(record, stamp);
        }
    }

    /// Returns the record at `key`, which was just inserted, without the cells that the insertion
    /// has ended.
    pub(crate) fn inserted(&mut self, key: &[u8]) -> &mut T {
        match self.records.entry(key.to_vec()) {
            Entry::Vacant(place) => place.insert(T::default()),
            Entry::Occupied(place) => {
                let record = place.into_mut();
                if let Some(stamp) = self.present.stamp(key) {
                    forget_before(record, stamp);
                }
                record
            }
        }
    }

    fn end_all(&mut self) {
        for (key, record) in &mut self.records {
            if let Some(stamp) = self.present.stamp(key) {
                forget_before(record, stamp);
            }
        }
    }
}

/// Removes all cells with stamps before `end`. O(cells).
fn forget_before(record: &mut impl Crdt, end: Stamp) {
    end_cells(record, &mut PathBuf::new(), Some(end), &mut |_, _, _| {});
}

impl<T: Root> Root for Records<T> {}

impl<T: Root> Crdt for Records<T> {
    fn merge(&mut self, other: &Self) {
        self.present.merge(&other.present);
        for (key, theirs) in &other.records {
            self.records.entry(key.clone()).or_default().merge(theirs);
        }
        self.end_all();
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        path.within_key(PRESENT, |path| self.present.write_cells(path, since, out));
        for (key, record) in &self.records {
            path.within_key(key, |path| record.write_cells(path, since, out));
        }
    }

    fn write_stamped(
        &self,
        mut rest: Segments<'_>,
        path: Path<'_>,
        stamp: Stamp,
        out: &mut CellWriter,
    ) {
        match rest.next() {
            None => {}
            Some(name) if name == PRESENT => self.present.write_stamped(rest, path, stamp, out),
            Some(key) => {
                if let Some(record) = self.records.get(key) {
                    record.write_stamped(rest, path, stamp, out);
                }
            }
        }
    }

    fn apply_group(&mut self, mut rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        let Some(key) = rest.next() else {
            return out.unknown_group(group);
        };
        if key == PRESENT {
            self.present.apply_group(rest, group, out);
            return self.end_all();
        }
        let record = self.records.entry(key.to_vec()).or_default();
        record.apply_group(rest, group, out);
        let stamp = self.present.stamp(key);
        if stamp.is_some_and(|end| group.cells().any(|cell| cell.stamp < end)) {
            self.end(key);
        }
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        join.within_key(PRESENT, |join| self.present.join(&other.present, join));
        let nothing = T::default();
        for (key, theirs) in &other.records {
            let record = self.records.entry(key.clone()).or_default();
            join.within_key(key, |join| record.join(theirs, join));
        }
        for (key, record) in &mut self.records {
            if !other.records.contains_key(key) {
                join.within_key(key, |join| record.join(&nothing, join));
            }
        }
        self.end_all();
    }

    fn cell_at<'a>(&self, mut rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        match rest.next()? {
            name if name == PRESENT => self.present.cell_at(rest, value),
            key => self.records.get(key)?.cell_at(rest, value),
        }
    }

    fn restore(&mut self, mut rest: Segments<'_>, old: Option<OldCell<'_>>) {
        match rest.next() {
            None => {}
            Some(name) if name == PRESENT => self.present.restore(rest, old),
            Some(key) => {
                let record = self.records.entry(key.to_vec()).or_default();
                record.restore(rest, old);
            }
        }
    }

    fn forget_tombstones(&mut self, stable: Stable<'_>) {
        Crdt::forget_tombstones(&mut self.present, stable);
        for record in self.records.values_mut() {
            record.forget_tombstones(stable);
        }
    }

    fn assert_invariants(&self) {
        Crdt::assert_invariants(&self.present);
        for record in self.records.values() {
            record.assert_invariants();
        }
    }
}

/// Returns the sorted, distinct keys of the records to which the cells belong.
pub(crate) fn keys_of(cells: Cells<'_>) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    for group in cells.groups() {
        let mut segments = group.parent().segments();
        match segments.next() {
            Some(key) if key != PRESENT => keys.push(key.to_vec()),
            // A cell without a key belongs to no record. It is quarantined when it is applied.
            Some(_) => keys.extend(
                group
                    .cells()
                    .filter_map(|cell| codec::decode(cell.key).ok()),
            ),
            None => {}
        }
    }
    keys.sort_unstable();
    keys.dedup();
    keys
}
