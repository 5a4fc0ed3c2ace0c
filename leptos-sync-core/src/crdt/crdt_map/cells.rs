use super::{
    CrdtMap,
    record::{MARKS, Mark, Record},
};
use crate::{
    clock::Stamp,
    codec::{self, CellRef, CellWriter, Group},
    crdt::{
        Applied, Crdt, Join, Key, Root, Stable,
        containment::{Ended, without_ended},
        traits::OldCell,
    },
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// The place of a cell in a record.
enum Place<'a> {
    /// The ender, or the mark with a name.
    Mark(Option<&'a [u8]>),
    /// A cell of the value.
    Value(Segments<'a>),
}

/// Splits a path below the map into the record's key and the place in the record.
fn split<K: Key>(mut rest: Segments<'_>) -> Option<(K, Place<'_>)> {
    let key = rest.next().filter(|key| !key.is_empty())?;
    let key = codec::decode::<K>(key).ok()?;
    let mut inner = rest;
    if inner.next() != Some(MARKS) {
        return Some((key, Place::Value(rest)));
    }
    let name = inner.next();
    inner.is_empty().then_some((key, Place::Mark(name)))
}

impl<K: Key + Ord, T: Crdt> Root for CrdtMap<K, T> {}

impl<K: Key + Ord, T: Crdt> Crdt for CrdtMap<K, T> {
    fn merge(&mut self, other: &Self) {
        for (key, theirs) in &other.records {
            self.change(key, |ours| {
                let ender = ours.ender.max(theirs.ender);
                ours.ender = ender;
                for name in super::record::NAMES {
                    if let Some(cell) = theirs.cell(Some(name)) {
                        ours.join_mark(name, cell);
                    }
                }
                ours.value.merge(&theirs.value);
                ours.end_older(&mut PathBuf::new().child(b"x"), &mut |_, _, _| {});
            });
        }
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        for (key, record) in &self.records {
            path.within_key(&encoded(key), |path| record.write_cells(path, since, out));
        }
    }

    fn write_stamped(
        &self,
        rest: Segments<'_>,
        path: Path<'_>,
        stamp: Stamp,
        out: &mut CellWriter,
    ) {
        let Some((key, place)) = split::<K>(rest) else {
            return;
        };
        let Some(record) = self.records.get(&key) else {
            return;
        };
        match place {
            Place::Value(rest) => record.value.write_stamped(rest, path, stamp, out),
            Place::Mark(name) => {
                if let Some((written, value)) = record.cell(name)
                    && written == stamp
                    && let Some((parent, key)) = path.split_last()
                {
                    out.group(parent);
                    out.copy(CellRef { key, stamp, value });
                }
            }
        }
    }

    fn apply_group(&mut self, mut rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        let Some(key) = rest.next() else {
            return self.apply_keys(group, out);
        };
        let decoded = codec::decode_key::<K>(key, &mut Vec::new());
        let Some(key) = decoded.ok().filter(|_| !key.is_empty()) else {
            return out.unknown_group(group);
        };
        self.change(&key, |record| {
            let mut inner = rest;
            if inner.next() == Some(MARKS) {
                let end = record.ender();
                return without_ended(group, end, true, &mut |group| match inner.is_empty() {
                    true => record.apply_marks(group, out),
                    false => out.unknown_group(group),
                });
            }
            // The ender is no cell of the value.
            let nameless = !rest.is_empty();
            if !nameless && group.has_nameless() {
                record.apply_enders(group, out);
            }
            let (end, value) = (record.ender(), &mut record.value);
            without_ended(group, end, nameless, &mut |group| {
                value.apply_group(rest, group, out);
            });
        });
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        for (key, theirs) in &other.records {
            join.within_key(&encoded(key), |join| {
                self.change(key, |ours| ours.join(theirs, join));
            });
        }
        if join.theirs_has_forgotten() {
            let nothing = Record::default();
            for key in self.records.keys().cloned().collect::<Vec<_>>() {
                if !other.records.contains_key(&key) {
                    join.within_key(&encoded(&key), |join| {
                        self.change(&key, |ours| ours.join(&nothing, join));
                    });
                }
            }
        }
    }

    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        value.clear();
        let (key, place) = split::<K>(rest)?;
        let record = self.records.get(&key)?;
        match place {
            Place::Value(rest) => record.value.cell_at(rest, value),
            Place::Mark(name) => Some(Mark::old(record.cell(name)?, value)),
        }
    }

    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>) {
        let Some((key, place)) = split::<K>(rest) else {
            return;
        };
        let is_blank = self.change(&key, |record| {
            match place {
                Place::Value(rest) => record.value.restore(rest, old),
                Place::Mark(name) => record.set_cell(name, old.map(|old| (old.stamp, old.value))),
            }
            old.is_none() && record.is_blank()
        });
        if is_blank {
            self.records.remove(&key);
        }
    }

    fn forget_tombstones(&mut self, stable: Stable<'_>) {
        for record in self.records.values_mut() {
            record.value.forget_tombstones(stable);
            record.forget_marks(stable);
        }
        self.records
            .retain(|_, record| record.is_live() || !record.is_blank());
    }

    fn assert_invariants(&self) {
        let live = self.records.values().filter(|record| record.is_live());
        assert_eq!(live.count(), self.len, "all records are counted");
        for record in self.records.values() {
            record.value.assert_invariants();
            let mut record = record.clone();
            record.end_older(&mut PathBuf::new().child(b"x"), &mut |path, _, _| {
                panic!("{path} is older than the ender");
            });
        }
    }
}

impl<K: Key + Ord, T: Crdt> CrdtMap<K, T> {
    /// Joins cells at the paths of records themselves, as those of registers.
    fn apply_keys(&mut self, group: &Group<'_>, out: &mut Applied<'_>) {
        let mut scratch = Vec::new();
        for cell in group.cells() {
            if cell.key.is_empty() {
                out.unknown(group, cell);
                continue;
            }
            match codec::decode_key::<K>(cell.key, &mut scratch) {
                Ok(key) => self.change(&key, |record| {
                    if cell.stamp >= record.ender() {
                        record.value.apply_cell(group, cell, out);
                    }
                }),
                Err(_) => out.unknown(group, cell),
            }
        }
    }
}

impl<T: Crdt> Record<T> {
    /// Joins the enders of a group, whose parent is the record.
    fn apply_enders(&mut self, group: &Group<'_>, out: &mut Applied<'_>) {
        for cell in group.cells().filter(|cell| cell.key.is_empty()) {
            if out.passes_over(group, cell) || self.ender.is_some_and(|end| end >= cell.stamp) {
                continue;
            }
            let was_live = self.is_live();
            self.ender = Some(cell.stamp);
            let path = &mut group.parent().to_owned();
            self.end_older(path, &mut |path, _, value| out.ended(path, value.is_some()));
            out.end(group, cell);
            out.changed(group, cell, was_live != self.is_live());
        }
    }

    fn apply_marks(&mut self, group: &Group<'_>, out: &mut Applied<'_>) {
        for cell in group.cells() {
            if out.passes_over(group, cell) {
                continue;
            }
            let was_live = self.is_live();
            match self.join_mark(cell.key, (cell.stamp, cell.value)) {
                Some(true) => out.changed(group, cell, was_live != self.is_live()),
                Some(false) => {}
                None => out.unknown(group, cell),
            }
        }
    }

    /// Returns the ender's stamp, or the zero stamp if there is none.
    fn ender(&self) -> Stamp {
        self.ender.unwrap_or(Stamp::ZERO)
    }

    /// Joins another copy with a known version.
    fn join(&mut self, theirs: &Self, join: &mut Join<'_>) {
        let was_live = self.is_live();
        let mut removed = Vec::new();
        if let Some(end) = theirs.ender
            && !join.ours_has_seen(end)
            && self.ender < Some(end)
        {
            self.ender = Some(end);
            self.end_older(&mut PathBuf::new().child(b"x"), &mut |path, _, value| {
                removed.push((path.to_owned(), value.is_some()));
            });
        }
        // The first segment stands for the record, which is the current path.
        for (path, was_live) in removed {
            let mut inner = path.as_path().segments();
            inner.next();
            join.changed_at(inner.to_path(), was_live);
        }
        match self.ender {
            // What the ender ends must not come back.
            Some(_) => {
                let mut theirs = theirs.clone();
                theirs.ender = self.ender;
                theirs.end_older(&mut PathBuf::new().child(b"x"), &mut |_, _, _| {});
                self.join_cells(&theirs, join);
            }
            None => self.join_cells(theirs, join),
        }
        if join.theirs_has_forgotten()
            && theirs.ender.is_none()
            && self.ender.is_some_and(|end| join.theirs_has_seen(end))
        {
            self.ender = None;
        }
        if was_live != self.is_live() {
            join.within_key(MARKS, |join| join.changed_child(super::MARKER, true));
        }
    }

    fn join_cells(&mut self, theirs: &Self, join: &mut Join<'_>) {
        self.value.join(&theirs.value, join);
        for name in super::record::NAMES {
            match theirs.cell(Some(name)) {
                Some(cell) if !join.ours_has_seen(cell.0) => {
                    self.join_mark(name, cell);
                }
                Some(_) => {}
                None => {
                    let ours = self.cell(Some(name));
                    let is_gone = join.theirs_has_forgotten()
                        && ours.is_some_and(|(stamp, _)| join.theirs_has_seen(stamp));
                    if is_gone {
                        self.set_cell(Some(name), None);
                    }
                }
            }
        }
    }

    /// Removes the cells that the ender ends.
    fn end_older(&mut self, path: &mut PathBuf, ended: Ended<'_>) {
        if let Some(end) = self.ender {
            self.end(path, Some(end), ended);
        }
    }
}

/// Returns the encoded key. A key that cannot be encoded never enters a document.
pub(super) fn encoded<K: Key>(key: &K) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = codec::encode_key(key, &mut bytes);
    bytes
}
