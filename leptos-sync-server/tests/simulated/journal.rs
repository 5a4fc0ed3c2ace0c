use std::collections::{BTreeMap, HashMap, HashSet};

use leptos_sync_core::{Delta, Doc, Root, Stamp, VersionVector, cells::PathBuf, sync::Restamped};

/// A cell without its path.
pub(crate) type Cell = (Stamp, Option<Vec<u8>>);

/// A log of every transaction that was made and not rejected, with a mark for those that were
/// acknowledged as durable.
#[derive(Default)]
pub(crate) struct Journal {
    made: HashMap<Stamp, Vec<(PathBuf, Cell)>>,
    /// The transactions that their author lost in a crash. The relay may or may not have them.
    forgotten: HashSet<Stamp>,
    acknowledged: Vec<(PathBuf, Cell)>,
    pub(crate) refused: usize,
    pub(crate) restamped: usize,
}

pub(crate) fn stamp(delta: &Delta) -> Stamp {
    let (replica, time) = delta.upto().iter().next().unwrap();
    Stamp::new(time, replica)
}

pub(crate) fn cells_of(delta: &Delta) -> Vec<(PathBuf, Cell)> {
    let mut cells = Vec::new();
    for group in delta.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            cells.push((cell.path(group.parent()), (cell.stamp, value)));
        }
    }
    cells
}

/// Returns all cells of a document.
pub(crate) fn cells<S: Root>(doc: &Doc<S>) -> BTreeMap<PathBuf, Cell> {
    let snapshot = doc.snapshot().unwrap();
    let mut cells = BTreeMap::new();
    for group in snapshot.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            let before = cells.insert(cell.path(group.parent()), (cell.stamp, value));
            assert!(before.is_none(), "each path has one cell");
        }
    }
    cells
}

impl Journal {
    pub(crate) fn made(&mut self, delta: &Delta) {
        self.made.insert(stamp(delta), cells_of(delta));
    }

    pub(crate) fn restamped(&mut self, all: &[Restamped]) {
        // One transaction's new stamp may be another's old stamp.
        for one in all {
            let (replica, time) = one.replaced.iter().next().unwrap();
            self.made.remove(&Stamp::new(time, replica));
        }
        for one in all {
            self.made(&one.delta);
            self.restamped += 1;
        }
    }

    pub(crate) fn refused(&mut self, delta: &Delta) {
        self.made.remove(&stamp(delta));
        self.refused += 1;
    }

    pub(crate) fn may_be_lost(&mut self, delta: &Delta) {
        self.forgotten.insert(stamp(delta));
    }

    pub(crate) fn acknowledged(&mut self, delta: &Delta) {
        self.acknowledged.extend(cells_of(delta));
    }

    /// Returns the writes that a document of this version contains, by path, the latest first.
    fn at(&self, version: &VersionVector) -> BTreeMap<&PathBuf, Vec<&Cell>> {
        let mut writes = BTreeMap::<_, Vec<_>>::new();
        for (stamp, cells) in &self.made {
            if version.contains(*stamp) {
                for (path, cell) in cells {
                    writes.entry(path).or_default().push(cell);
                }
            }
        }
        for writes in writes.values_mut() {
            writes.sort_unstable_by(|a, b| b.cmp(a));
        }
        writes
    }

    /// Checks that a document holds the cells that its version contains, except for forgotten
    /// tombstones.
    pub(crate) fn check<S: Root>(&self, doc: &Doc<S>, who: &str) {
        doc.assert_invariants();
        let mut there = cells(doc);
        for (path, writes) in self.at(doc.version()) {
            let found = there.remove(path);
            for cell in writes {
                if found.as_ref() == Some(cell) || (found.is_none() && cell.1.is_none()) {
                    break;
                }
                assert!(
                    self.forgotten.contains(&cell.0),
                    "{who}: {path} is {found:?} but {cell:?} was written"
                );
            }
        }
        assert!(there.is_empty(), "{who}: no replica wrote {there:?}");
    }

    /// Checks that no acknowledged edit is missing.
    pub(crate) fn check_acknowledged<S: Root>(&self, doc: &Doc<S>, who: &str) {
        let there = cells(doc);
        for (path, cell) in &self.acknowledged {
            let found = there.get(path);
            assert!(
                found.is_some_and(|found| found >= cell)
                    || (found.is_none() && self.is_removed(path, cell)),
                "{who}: {path} was acknowledged as {cell:?} but is {found:?}"
            );
        }
    }

    /// Returns whether a later write at the path was a removal, which may have been forgotten
    /// since.
    fn is_removed(&self, path: &PathBuf, cell: &Cell) -> bool {
        let writes = self.made.values().flatten().filter(|(at, _)| at == path);
        let mut later = writes
            .map(|(_, write)| write)
            .filter(|write| *write >= cell);
        later.any(|write| write.1.is_none())
    }

    pub(crate) fn acknowledgements(&self) -> usize {
        self.acknowledged.len()
    }
}
