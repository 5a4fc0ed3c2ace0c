use std::collections::HashMap;

use super::Cell;
use crate::{
    clock::Stamp,
    codec::Cells,
    crdt::OldCell,
    delta::{Delta, Snapshot},
    doc::transaction::Note,
    path::{Path, PathBuf},
    version::VersionVector,
};

/// At each path that unacknowledged transactions wrote: how many did, and the cell that would stand there without them,
/// `None` where none would.
#[derive(Default)]
pub(super) struct Below(HashMap<PathBuf, Box<Covered>>);

struct Covered {
    cell: Option<OwnedCell>,
    writers: usize,
    /// For whoever looks for some of them among many cells: which of those that are looked for it is, from 1.
    mark: usize,
}

/// A cell's stamp and value.
pub(super) type OwnedCell = (Stamp, Option<Box<[u8]>>);

impl Note for Option<&mut Below> {
    fn replaced(&mut self, each: impl FnOnce(&mut dyn FnMut(Path<'_>, Option<OldCell<'_>>))) {
        if let Some(below) = self {
            each(&mut |path, old| below.cover(path.to_owned(), old.map(kept)));
        }
    }
}

impl Below {
    /// One more transaction wrote at `path`. If it is the first, `before` is what stood there.
    pub(super) fn cover(&mut self, path: PathBuf, before: Option<OwnedCell>) {
        if let Some(covered) = self.0.get_mut(&path) {
            covered.writers += 1;
            return;
        }
        let covered = Covered {
            cell: before,
            writers: 1,
            mark: 0,
        };
        self.0.insert(path, Box::new(covered));
    }

    /// One transaction less is unacknowledged at `path`; its cell is not below.
    pub(super) fn uncover(&mut self, path: &PathBuf) {
        if let Some(covered) = self.0.get_mut(path) {
            covered.writers = covered.writers.saturating_sub(1);
            if covered.writers == 0 {
                self.0.remove(path);
            }
        }
    }

    /// Marks those of `paths` that at least so many transactions cover, each by its place there from 1. Returns whether any is marked.
    pub(super) fn mark(&mut self, paths: &[PathBuf], writers: usize) -> bool {
        let mut any = false;
        for (at, path) in paths.iter().enumerate() {
            if let Some(covered) = self.0.get_mut(path) {
                if covered.writers >= writers {
                    covered.mark = at + 1;
                    any = true;
                }
            }
        }
        any
    }

    /// Whether nobody has asked for this path before, of those that transactions cover, since marks were taken away.
    pub(super) fn is_first(&mut self, path: &PathBuf) -> bool {
        let covered = self.0.get_mut(path);
        covered.is_some_and(|covered| std::mem::replace(&mut covered.mark, 1) == 0)
    }

    /// The mark of `path`, if it has one.
    pub(super) fn marked(&self, path: &PathBuf) -> Option<usize> {
        let mark = self.0.get(path)?.mark;
        mark.checked_sub(1)
    }

    /// Takes the marks away.
    pub(super) fn unmark(&mut self, paths: &[PathBuf]) {
        for path in paths {
            if let Some(covered) = self.0.get_mut(path) {
                covered.mark = 0;
            }
        }
    }

    /// A transaction is acknowledged: its cells are below those of the others.
    pub(super) fn settle(&mut self, delta: &Delta) {
        self.join(delta.cells());
        for path in delta.cells().paths() {
            self.uncover(&path);
        }
    }

    /// Cells that the relay has: where a transaction covers one, it is below.
    pub(super) fn join(&mut self, cells: Cells<'_>) {
        if self.0.is_empty() {
            return;
        }
        for group in cells.groups() {
            for cell in group.cells() {
                if let Some(covered) = self.0.get_mut(&cell.path(group.parent())) {
                    let theirs = (cell.stamp, cell.value);
                    if view(&covered.cell).is_none_or(|ours| ours < theirs) {
                        covered.cell = Some((cell.stamp, cell.value.map(Box::from)));
                    }
                }
            }
        }
    }

    /// Whether the relay, whose cells were joined, has refused a transaction with these, which its version contains: none of them
    /// is there, and one is not covered by a later one. `removed` says whether one that is not there at all may have been
    /// removed since.
    pub(super) fn lacks(&self, cells: Cells<'_>, removed: bool) -> bool {
        let mut lacks = false;
        for group in cells.groups() {
            for cell in group.cells() {
                match self.get(&cell.path(group.parent())) {
                    Some((stamp, _)) if stamp == cell.stamp => return false,
                    Some((stamp, _)) => lacks |= stamp < cell.stamp,
                    None => lacks |= !removed,
                }
            }
        }
        lacks
    }

    /// Lets go of what a snapshot at `version` has seen and lacks: its tombstone was forgotten.
    pub(super) fn forget(&mut self, version: &VersionVector, parts: &[Snapshot]) {
        let seen = |covered: &Box<Covered>| {
            let cell = covered.cell.as_ref();
            cell.is_some_and(|(stamp, _)| version.contains(*stamp))
        };
        if !self.0.values().any(seen) {
            return;
        }
        for part in parts {
            for path in part.cells().paths() {
                if let Some(covered) = self.0.get_mut(&path) {
                    covered.mark = 1;
                }
            }
        }
        for covered in self.0.values_mut() {
            if covered.mark == 0 && seen(covered) {
                covered.cell = None;
            }
            covered.mark = 0;
        }
    }

    /// What would stand at `path`.
    pub(super) fn get(&self, path: &PathBuf) -> Option<Cell<'_>> {
        view(&self.0.get(path)?.cell)
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.0.keys()
    }
}

/// A copy of a cell that stood there.
pub(super) fn kept(cell: OldCell<'_>) -> OwnedCell {
    (cell.stamp, cell.value.map(Box::from))
}

fn view(cell: &Option<OwnedCell>) -> Option<Cell<'_>> {
    cell.as_ref()
        .map(|(stamp, value)| (*stamp, value.as_deref()))
}
