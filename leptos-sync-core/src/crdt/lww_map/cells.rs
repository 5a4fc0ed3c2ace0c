use super::{LwwMap, prefetch::NOWHERE, table::Entry};
use crate::{
    clock::Stamp,
    codec::{self, CellRef, CellWriter, Group},
    crdt::{
        Applied, Crdt, Join, Key, Root, Stable, Value,
        traits::{OldCell, SavedCell},
    },
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

impl<K: Key, V: Value> Root for LwwMap<K, V> {}

impl<K: Key, V: Value> Crdt for LwwMap<K, V> {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        out.group(path.as_path());
        if since.is_empty() {
            // The reservation assumes cells of average size. In a small map, one cell may take
            // more, so reserve for at least four cells.
            out.reserve(self.table.len().max(4));
        }
        let cells = self.table.since(since);
        cells.for_each(|entry| write_entry(entry, out));
    }

    fn write_stamped(&self, _: Segments<'_>, path: Path<'_>, stamp: Stamp, out: &mut CellWriter) {
        out.group(path);
        let cells = self.table.stamped(stamp);
        cells.for_each(|entry| write_entry(entry, out));
    }

    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        if !rest.is_empty() {
            return out.unknown_group(group);
        }
        if self.table.len() == 0 {
            self.table.reserve(group.len());
        }
        let (mut scratch, mut values) = (Vec::new(), Vec::new());
        let seen = out.seen();
        let cells = group.cells().filter(|cell| !seen.contains(cell.stamp));
        self.for_each(
            cells.map(|cell| (cell, codec::decode_key::<K>(cell.key, &mut scratch))),
            |(_, key)| Some((key.as_ref().ok()?, NOWHERE)),
            |map, (cell, key)| {
                if out.withstood(group, cell) {
                    return;
                }
                match key {
                    Ok(key) => map.apply_entry(key, group, cell, &mut values, out),
                    Err(error) => out.quarantine(group, cell, &error),
                }
            },
        );
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        let (mut key, mut scratch) = (Vec::new(), Vec::new());
        self.for_each(
            other.table.beyond(join.ours()),
            |(slot, theirs)| Some((&theirs.key, *slot)),
            |map, (slot, theirs)| {
                if let Some(existence) = map.table.join(slot, theirs, &mut scratch) {
                    encode_key(&theirs.key, &mut key);
                    join.changed_child(&key, existence);
                }
            },
        );
        if !join.theirs_has_forgotten() {
            return;
        }
        self.table.remove_where(|ours| {
            let gone = join.theirs_has_seen(ours.stamp) && other.table.get(&ours.key).is_none();
            if gone && ours.value.is_some() {
                encode_key(&ours.key, &mut key);
                join.changed_child(&key, true);
            }
            gone
        });
    }

    fn cell_at<'a>(&self, mut rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        value.clear();
        let key = codec::decode::<K>(rest.next()?).ok()?;
        let cell = self.old_cell(&key, value)?;
        rest.is_empty().then(|| cell.with(value))
    }

    fn restore(&mut self, mut rest: Segments<'_>, old: Option<OldCell<'_>>) {
        let key = rest.next().map(codec::decode::<K>);
        let (Some(Ok(key)), true) = (key, rest.is_empty()) else {
            return;
        };
        let slot = self.table.find(&key);
        match (old, slot) {
            (None, Some(slot)) => {
                self.table.detach(slot);
            }
            (Some(old), slot) => {
                let value = old.value.and_then(|bytes| codec::decode::<V>(bytes).ok());
                match slot {
                    Some(slot) => self.table.put_back(slot, value, old.stamp, old.place),
                    None => {
                        self.table.write(key, value, old.stamp);
                    }
                }
            }
            (None, None) => {}
        }
    }

    fn forget_tombstones(&mut self, stable: Stable<'_>) {
        self.table.forget_tombstones(stable);
    }

    fn tombstones(&self) -> usize {
        Self::tombstones(self)
    }

    fn take_tombstones(&mut self, path: &mut PathBuf, out: &mut dyn FnMut(PathBuf, Stamp)) {
        let mut bytes = Vec::new();
        self.table.take_tombstones(&mut |key, stamp| {
            encode_key(key, &mut bytes);
            out(path.child(&bytes), stamp);
        });
    }

    fn assert_invariants(&self) {
        Self::assert_invariants(self);
    }
}

impl<K: Key, V: Value> LwwMap<K, V> {
    fn apply_entry(
        &mut self,
        key: K,
        group: &Group<'_>,
        cell: CellRef<'_>,
        scratch: &mut Vec<u8>,
        out: &mut Applied<'_>,
    ) {
        let found = self.table.look_up(&key);
        let ours = found.ok().map(|slot| self.table.entry(slot));
        if ours.is_some_and(|ours| !wins(cell, ours.stamp, ours.value.as_ref())) {
            return;
        }
        let was_live = ours.is_some_and(|ours| ours.value.is_some());
        let value = cell
            .value
            .map(|bytes| codec::decode_exact::<V>(bytes, scratch));
        let value = match value.transpose() {
            Ok(value) => value,
            Err(error) => {
                // The quarantined bytes are now the entry's value. The older value must not be
                // shown, stored or sent in their place.
                if let Ok(slot) = found {
                    self.table.detach(slot);
                    out.changed(group, cell, was_live);
                }
                return out.quarantine(group, cell, &error);
            }
        };
        let existence = was_live != value.is_some();
        let stamp = cell.stamp;
        match found {
            Ok(slot) => self.table.replace(slot, value, stamp),
            Err(vacant) => self.table.push(vacant, Entry { key, value, stamp }),
        }
        out.changed(group, cell, existence);
    }

    /// Returns the current cell at `key`, to roll a transaction back. Appends its encoded value to
    /// `value`.
    pub(crate) fn old_cell(&self, key: &K, value: &mut Vec<u8>) -> Option<SavedCell> {
        let slot = self.table.find(key)?;
        let entry = self.table.entry(slot);
        if let Some(old) = &entry.value {
            // Values in a document have been encoded before, so this cannot fail.
            let _ = codec::encode(old, value);
        }
        Some(SavedCell {
            stamp: entry.stamp,
            live: entry.value.is_some(),
            place: self.table.place(slot),
            is_count: false,
            tags: None,
        })
    }
}

#[cfg_attr(not(target_arch = "wasm32"), inline)]
fn write_entry<K: Key, V: Value>(entry: &Entry<K, V>, out: &mut CellWriter) {
    out.push(
        entry.stamp,
        |bytes| codec::encode_key(&entry.key, bytes),
        entry
            .value
            .as_ref()
            .map(|value| |bytes: &mut Vec<u8>| codec::encode(value, bytes)),
    );
}

/// Returns whether a cell wins over an entry, by stamp and then by bytes.
#[inline]
pub(in crate::crdt) fn wins<V: Value>(cell: CellRef<'_>, stamp: Stamp, value: Option<&V>) -> bool {
    if cell.stamp != stamp {
        return cell.stamp > stamp;
    }
    let mut ours = Vec::new();
    match (cell.value, value) {
        (Some(theirs), Some(value)) => codec::encode(value, &mut ours).is_ok() && theirs > &*ours,
        (theirs, value) => theirs.is_some() && value.is_none(),
    }
}

fn encode_key<K: Key>(key: &K, out: &mut Vec<u8>) {
    out.clear();
    // A key that cannot be encoded never enters a document.
    let _ = codec::encode_key(key, out);
}
