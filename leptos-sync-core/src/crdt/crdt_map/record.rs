use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter, Cells},
    crdt::{
        Crdt, Stable,
        containment::{Ended, end_cells},
        traits::OldCell,
    },
    path::PathBuf,
    version::VersionVector,
};

/// The name of the marker, which states that the record exists.
pub(crate) const MARKER: &[u8] = b"m";

/// The name of the hidden flag.
const HIDDEN: &[u8] = b"h";

/// The segment of the marks below a record, and of its ender.
pub(crate) const MARKS: &[u8] = b"";

/// The names of all marks, in the order of their paths.
pub(super) const NAMES: [&[u8]; 2] = [HIDDEN, MARKER];

/// A record and the cells that state whether it exists.
#[derive(Clone, Default)]
pub(crate) struct Record<T> {
    pub(super) value: T,
    pub(super) ender: Option<Stamp>,
    marker: Option<Mark>,
    hidden: Option<Mark>,
}

/// A cell beside a record's own ones.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) stamp: Stamp,
    pub(super) value: Option<Box<[u8]>>,
}

impl Mark {
    fn as_pair(&self) -> (Stamp, Option<&[u8]>) {
        (self.stamp, self.value.as_deref())
    }
}

impl<T> Record<T> {
    /// Returns whether the record exists: it has a marker and is not hidden.
    pub(super) fn is_live(&self) -> bool {
        let is_set = |mark: &Option<Mark>| mark.as_ref().is_some_and(|mark| mark.value.is_some());
        is_set(&self.marker) && !is_set(&self.hidden)
    }

    /// Returns the record's value if it exists.
    pub(super) fn shown(&self) -> Option<&T> {
        self.is_live().then_some(&self.value)
    }

    /// Returns the place of the mark with this name.
    fn mark_mut(&mut self, name: &[u8]) -> Option<&mut Option<Mark>> {
        match name {
            MARKER => Some(&mut self.marker),
            HIDDEN => Some(&mut self.hidden),
            _ => None,
        }
    }

    fn marks(&self) -> impl Iterator<Item = (&'static [u8], &Mark)> {
        let marks = [(HIDDEN, &self.hidden), (MARKER, &self.marker)];
        let marks = marks.into_iter();
        marks.filter_map(|(name, mark)| Some((name, mark.as_ref()?)))
    }

    /// Returns the mark with this name, or the ender if there is no name, as a cell.
    pub(crate) fn cell(&self, name: Option<&[u8]>) -> Option<(Stamp, Option<&[u8]>)> {
        let Some(name) = name else {
            return Some((self.ender?, None));
        };
        let mut marks = self.marks();
        marks
            .find(|(of, _)| *of == name)
            .map(|(_, mark)| mark.as_pair())
    }

    /// Replaces the mark with this name, or the ender if there is no name. Ends nothing.
    pub(crate) fn set_cell(&mut self, name: Option<&[u8]>, cell: Option<(Stamp, Option<&[u8]>)>) {
        let Some(name) = name else {
            self.ender = cell.map(|(stamp, _)| stamp);
            return;
        };
        if let Some(mark) = self.mark_mut(name) {
            *mark = cell.map(|(stamp, value)| Mark {
                stamp,
                value: value.map(Into::into),
            });
        }
    }

    /// Joins the mark with this name. Returns whether it won, or `None` if no mark has this name.
    pub(super) fn join_mark(&mut self, name: &[u8], cell: (Stamp, Option<&[u8]>)) -> Option<bool> {
        let mark = self.mark_mut(name)?;
        let wins = mark.as_ref().is_none_or(|mark| cell > mark.as_pair());
        if wins {
            self.set_cell(Some(name), Some(cell));
        }
        Some(wins)
    }

    /// Forgets the tombstones of marks, and the ender, that `stable` contains.
    pub(super) fn forget_marks(&mut self, stable: Stable<'_>) {
        for mark in [&mut self.marker, &mut self.hidden] {
            let is_gone = |mark: &mut Mark| mark.value.is_none() && stable.contains(mark.stamp);
            mark.take_if(is_gone);
        }
        self.ender.take_if(|stamp| stable.contains(*stamp));
    }
}

impl<T: Crdt> Record<T> {
    /// Writes every cell whose stamp `since` does not contain. `path` is that of the record.
    pub(super) fn write_cells(
        &self,
        path: &mut PathBuf,
        since: &VersionVector,
        out: &mut CellWriter,
    ) {
        path.within_key(MARKS, |path| {
            for (name, mark) in self.marks() {
                if !since.contains(mark.stamp) {
                    out.group(path.as_path());
                    out.copy(mark.cell(name));
                }
            }
        });
        if let Some(stamp) = self.ender.filter(|stamp| !since.contains(*stamp)) {
            let (key, value) = (MARKS, None);
            out.group(path.as_path());
            out.copy(CellRef { key, stamp, value });
        }
        self.value.write_cells(path, since, out);
    }

    /// Removes all cells but the ender that are older than `end`, or all if there is no `end`.
    /// `path` is that of the record. O(cells of the record).
    pub(crate) fn end(&mut self, path: &mut PathBuf, end: Option<Stamp>, ended: Ended<'_>) {
        let is_older = |stamp: Stamp| end.is_none_or(|end| stamp < end);
        end_cells(&mut self.value, path, end, ended);
        path.within_key(MARKS, |path| {
            for name in NAMES {
                let Some(mark) = self.mark_mut(name) else {
                    continue;
                };
                if let Some(mark) = mark.take_if(|mark| is_older(mark.stamp)) {
                    ended(
                        path.child(name).as_path(),
                        mark.stamp,
                        mark.value.as_deref(),
                    );
                }
            }
        });
    }

    /// Returns the paths of all cells but the ender. `path` is that of the record. O(cells).
    pub(crate) fn paths(&self, path: &PathBuf) -> Vec<PathBuf> {
        let mut out = CellWriter::without_values();
        self.write_cells(&mut path.clone(), &VersionVector::new(), &mut out);
        let Ok((replicas, groups, _)) = out.finish() else {
            return Vec::new();
        };
        let cells = Cells::trusted(&replicas, Time::ZERO, &groups);
        let ender = path.child(MARKS);
        cells.paths().filter(|path| *path != ender).collect()
    }

    /// Returns whether the record has no cells. O(cells).
    pub(super) fn is_blank(&self) -> bool {
        let mut out = CellWriter::without_values();
        self.write_cells(
            &mut PathBuf::new().child(b"x"),
            &VersionVector::new(),
            &mut out,
        );
        out.is_empty()
    }
}

impl Mark {
    fn cell<'a>(&'a self, key: &'a [u8]) -> CellRef<'a> {
        let (stamp, value) = self.as_pair();
        CellRef { key, stamp, value }
    }

    /// Returns the mark as a replaced cell. Replaces the content of `bytes` with its value.
    pub(super) fn old<'a>(
        (stamp, value): (Stamp, Option<&[u8]>),
        bytes: &'a mut Vec<u8>,
    ) -> OldCell<'a> {
        bytes.clear();
        bytes.extend_from_slice(value.unwrap_or_default());
        OldCell {
            stamp,
            value: value.map(|_| bytes.as_slice()),
            place: Default::default(),
            is_count: false,
            tags: None,
        }
    }
}
