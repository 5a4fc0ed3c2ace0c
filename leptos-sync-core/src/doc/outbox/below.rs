use std::collections::{BTreeMap, BTreeSet};

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
pub(super) struct Below(BTreeMap<PathBuf, Covered>);

struct Covered {
    cell: Option<OwnedCell>,
    writers: usize,
}

/// A cell's stamp and value.
pub(super) type OwnedCell = (Stamp, Option<Box<[u8]>>);

impl Note for &mut Below {
    fn replaced(&mut self, each: impl FnOnce(&mut dyn FnMut(Path<'_>, Option<OldCell<'_>>))) {
        each(&mut |path, old| self.cover(path.to_owned(), old.map(kept)));
    }
}

impl Below {
    /// One more transaction wrote at `path`. If it is the first, `before` is what stood there.
    pub(super) fn cover(&mut self, path: PathBuf, before: Option<OwnedCell>) {
        let covered = self.0.entry(path);
        covered
            .or_insert(Covered {
                cell: before,
                writers: 0,
            })
            .writers += 1;
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

    /// Lets go of what a snapshot at `version` has seen and lacks: its tombstone was forgotten.
    pub(super) fn forget(&mut self, version: &VersionVector, parts: &[Snapshot]) {
        let seen = |covered: &Covered| {
            let cell = covered.cell.as_ref();
            cell.is_some_and(|(stamp, _)| version.contains(*stamp))
        };
        if !self.0.values().any(seen) {
            return;
        }
        let there: BTreeSet<_> = parts.iter().flat_map(|part| part.cells().paths()).collect();
        for (path, covered) in &mut self.0 {
            if seen(covered) && !there.contains(path) {
                covered.cell = None;
            }
        }
    }

    /// What would stand at `path`.
    pub(super) fn get(&self, path: &PathBuf) -> Option<Cell<'_>> {
        view(&self.0.get(path)?.cell)
    }

    /// How many unacknowledged transactions wrote at `path`.
    pub(super) fn writers(&self, path: &PathBuf) -> usize {
        self.0.get(path).map_or(0, |covered| covered.writers)
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
