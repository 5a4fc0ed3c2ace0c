use std::{borrow::Cow, sync::Arc};

use super::{
    Stable,
    containment::{self, record_of_ender},
};
use crate::{
    clock::Stamp,
    codec::{CellRef, CellWriter, Cells},
    path::{Path, PathBuf},
    version::VersionVector,
};

/// Cells that a typed view cannot hold, kept unchanged: their path is unknown, or their value has a
/// wrong type.
///
/// They are stored and sent like all other cells, so an old build never destroys a newer build's
/// data. The winning cell of a path is either here or in the typed view, never in both.
///
/// Usually a document has few such cells or none. The structure is simple, but a message with a
/// million of them must not slow it down. So it is a sorted list in blocks: an insertion moves at
/// most one block, and a look-up is O(log n). It does not record the order of writes.
///
/// A clone shares the blocks. A block is copied when one of the two changes it.
#[derive(Clone, Default)]
pub(crate) struct Quarantine {
    /// Blocks of one to [`BLOCK`] cells.
    blocks: Vec<Arc<Block>>,
}

/// A callback for the path, stamp and value of a cell.
type Visit<'a> = &'a mut dyn FnMut(&PathBuf, Stamp, Option<&[u8]>);

type Block = Vec<QuarantinedCell>;

/// The maximum number of cells in a block: cheap to shift, and large enough to keep the number of
/// blocks low.
const BLOCK: usize = 128;

#[derive(Clone)]
struct QuarantinedCell {
    path: PathBuf,
    stamp: Stamp,
    value: Option<Vec<u8>>,
    reason: Option<Cow<'static, str>>,
}

impl QuarantinedCell {
    fn view(&self) -> Quarantined<'_> {
        Quarantined {
            path: self.path.as_path(),
            stamp: self.stamp,
            value: self.value.as_deref(),
            reason: self.reason.as_deref(),
        }
    }
}

/// A cell that is stored but not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quarantined<'a> {
    /// The path of the cell.
    pub path: Path<'a>,
    /// The stamp of the write.
    pub stamp: Stamp,
    /// The encoded value, or `None` for a tombstone.
    pub value: Option<&'a [u8]>,
    /// The reason why the value was rejected; `None` if this build does not know the path.
    pub reason: Option<&'a str>,
}

impl Quarantine {
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Iterates over the cells in path order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Quarantined<'_>> {
        let cells = self.blocks.iter().flat_map(|block| block.iter());
        cells.map(QuarantinedCell::view)
    }

    /// Passes the path, stamp and value of each cell to `work`, in path order. Not generic, to save
    /// code.
    pub(crate) fn for_each(&self, work: Visit<'_>) {
        for block in &self.blocks {
            for held in &**block {
                work(&held.path, held.stamp, held.value.as_deref());
            }
        }
    }

    /// Adds a cell, and replaces the one at its path.
    pub(crate) fn keep(
        &mut self,
        parent: Path<'_>,
        cell: CellRef<'_>,
        reason: Option<Cow<'static, str>>,
    ) {
        self.put(cell.path(parent), cell.stamp, cell.value, reason);
    }

    /// Adds a cell, and replaces the one at its path.
    pub(crate) fn put(
        &mut self,
        path: PathBuf,
        stamp: Stamp,
        value: Option<&[u8]>,
        reason: Option<Cow<'static, str>>,
    ) {
        let held = QuarantinedCell {
            path,
            stamp,
            value: value.map(<[u8]>::to_vec),
            reason,
        };
        let (at, place) = self.find(&held.path);
        let Some(block) = self.blocks.get_mut(at) else {
            return self.blocks.push(Arc::new(vec![held]));
        };
        let block = Arc::make_mut(block);
        if let Ok(place) = place {
            block.remove(place);
        }
        let (Ok(place) | Err(place)) = place;
        block.insert(place, held);
        if block.len() > BLOCK {
            let rest = block.split_off(BLOCK / 2);
            self.blocks.insert(at + 1, Arc::new(rest));
        }
    }

    /// Returns whether there is a cell at this path that is not older than `cell`. Removes an older
    /// one, because the typed view tries to apply `cell` next.
    pub(crate) fn withstands(&mut self, parent: Path<'_>, cell: CellRef<'_>) -> bool {
        let path = cell.path(parent);
        let (at, place) = self.find(&path);
        let Ok(place) = place else {
            return false;
        };
        let held = self.blocks.get(at).and_then(|block| block.get(place));
        let withstands = held
            .is_some_and(|held| (cell.stamp, cell.value) <= (held.stamp, held.value.as_deref()));
        if !withstands {
            self.remove(&path);
        }
        withstands
    }

    /// Adds a cell if there is an earlier one at its path.
    pub(crate) fn overtake(&mut self, parent: Path<'_>, cell: CellRef<'_>) {
        let path = cell.path(parent);
        let held = self.get(&path);
        if held.is_some_and(|held| (held.stamp, held.value) < (cell.stamp, cell.value)) {
            self.put(path, cell.stamp, cell.value, None);
        }
    }

    /// Returns whether an ender that is also here ends `cell`.
    pub(crate) fn is_ended(&self, parent: Path<'_>, cell: CellRef<'_>) -> bool {
        !self.is_empty() && {
            let path = cell.path(parent);
            containment::is_ended(path.as_path(), cell.stamp, &mut |ender| {
                let held = self.get(ender).filter(|held| held.value.is_none());
                held.map(|held| held.stamp)
            })
        }
    }

    /// Removes the cells that `cell` ends, if it is an ender. O(blocks and cells of the record).
    pub(crate) fn end(&mut self, parent: Path<'_>, cell: CellRef<'_>) {
        let path = cell.path(parent);
        let Some(record) = record_of_ender(path.as_path()).filter(|_| cell.value.is_none()) else {
            return;
        };
        let is_below = |held: &QuarantinedCell| {
            let bytes = held.path.as_path().as_bytes();
            bytes.starts_with(record.as_bytes())
        };
        let (first, _) = self.find(&record.to_owned());
        for block in self.blocks.iter_mut().skip(first) {
            let is_kept = |held: &QuarantinedCell| !is_below(held) || held.stamp >= cell.stamp;
            if block
                .first()
                .is_some_and(|held| held.path > path && !is_below(held))
            {
                break;
            }
            if !block.iter().all(is_kept) {
                Arc::make_mut(block).retain(is_kept);
            }
        }
        self.blocks.retain(|block| !block.is_empty());
    }

    /// Adds the paths of cells. This list doubles as a sorted set, to save code.
    pub(crate) fn note_paths(&mut self, cells: Cells<'_>) {
        cells.for_each(&mut |parent, cell| {
            self.put(cell.path(parent), cell.stamp, None, None);
        });
    }

    /// Removes the cell at `path`. Returns whether there was one.
    pub(crate) fn remove(&mut self, path: &PathBuf) -> bool {
        let (at, place) = self.find(path);
        let (Some(block), Ok(place)) = (self.blocks.get_mut(at), place) else {
            return false;
        };
        let block = Arc::make_mut(block);
        block.remove(place);
        if block.is_empty() {
            self.blocks.remove(at);
        }
        true
    }

    /// Returns the cell at `path`.
    pub(crate) fn get(&self, path: &PathBuf) -> Option<Quarantined<'_>> {
        let (at, place) = self.find(path);
        let held = self.blocks.get(at)?.get(place.ok()?)?;
        Some(held.view())
    }

    /// Returns whether there is a cell at `path`.
    pub(crate) fn has(&self, path: &PathBuf) -> bool {
        self.find(path).1.is_ok()
    }

    /// Returns the block for `path`, and the position of `path` in it.
    fn find(&self, path: &PathBuf) -> (usize, Result<usize, usize>) {
        let starts_before =
            |block: &Arc<Block>| block.first().is_some_and(|held| held.path <= *path);
        let at = self.blocks.partition_point(starts_before).saturating_sub(1);
        let place = self.blocks.get(at).map_or(Err(0), |block| {
            block.binary_search_by(|held| held.path.cmp(path))
        });
        (at, place)
    }

    /// Forgets the tombstones of stable operations, as typed views do.
    pub(crate) fn forget_tombstones(&mut self, stable: Stable<'_>) {
        let is_kept = |held: &QuarantinedCell| held.value.is_some() || !stable.contains(held.stamp);
        for block in &mut self.blocks {
            if !block.iter().all(is_kept) {
                Arc::make_mut(block).retain(is_kept);
            }
        }
        self.blocks.retain(|block| !block.is_empty());
    }

    /// Writes cells in path order, since the order of arrival differs between replicas. Visits
    /// every quarantined cell.
    pub(crate) fn write_cells(&self, since: &VersionVector, out: &mut CellWriter) {
        self.for_each(&mut |path, stamp, value| {
            if let Some((parent, key)) = path.as_path().split_last()
                && !since.contains(stamp)
            {
                out.group(parent);
                out.copy(CellRef { key, stamp, value });
            }
        });
    }

    pub(crate) fn assert_invariants(&self) {
        let full = |block: &Arc<Block>| (1..=BLOCK).contains(&block.len());
        assert!(
            self.blocks.iter().all(full),
            "no block is empty or too long"
        );
        assert!(
            self.iter().is_sorted_by(|a, b| a.path < b.path),
            "quarantined cells are sorted by path"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{clock::Time, id::ReplicaId};

    fn at(time: u64) -> Stamp {
        Stamp::new(Time::new(time), ReplicaId::new(1))
    }

    fn keep(kept: &mut Quarantine, key: u16, time: u64) {
        let cell = CellRef {
            key: &key.to_be_bytes(),
            stamp: at(time),
            value: (!time.is_multiple_of(3)).then_some(b"x"),
        };
        if !kept.withstands(Path::ROOT, cell) {
            kept.keep(Path::ROOT, cell, None);
        }
    }

    fn path(key: u16) -> PathBuf {
        PathBuf::new().child(&key.to_be_bytes())
    }

    #[derive(Clone, Debug)]
    enum Step {
        Keep(u16, u64),
        /// Adds a run of keys in ascending or descending order, as a message does.
        Many(u16, u16, bool),
        Remove(u16),
        RemoveMany(u16, u16),
        Forget(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0_u16..2_000, 1_u64..50).prop_map(|(key, time)| Step::Keep(key, time)),
            2 => (0_u16..1_500, 1_u16..800, any::<bool>()).prop_map(|(key, len, up)| Step::Many(key, len, up)),
            4 => (0_u16..2_000).prop_map(Step::Remove),
            1 => (0_u16..1_500, 1_u16..800).prop_map(|(key, len)| Step::RemoveMany(key, len)),
            1 => (1_u64..50).prop_map(Step::Forget),
        ];
        vec(step, 0..30)
    }

    #[test]
    fn a_clone_shares_cells_until_one_of_the_two_changes_them() {
        let mut kept = Quarantine::default();
        (0..1_000).for_each(|key| keep(&mut kept, key, 1));
        let before: Vec<_> = kept.iter().map(|held| held.path.to_owned()).collect();
        let copy = kept.clone();
        let shared = kept.blocks.iter().zip(&copy.blocks);
        assert!(
            shared
                .clone()
                .all(|(ours, theirs)| Arc::ptr_eq(ours, theirs))
        );
        kept.remove(&path(500));
        keep(&mut kept, 2_000, 1);
        keep(&mut kept, 7, 2);
        kept.forget_tombstones(Stable::Before(Time::new(10)));
        let after = copy.iter().map(|held| held.path.to_owned());
        assert_eq!(after.collect::<Vec<_>>(), before);
        let shared = kept.blocks.iter().zip(&copy.blocks);
        assert!(
            shared
                .filter(|(ours, theirs)| Arc::ptr_eq(ours, theirs))
                .count()
                > 3
        );
        kept.assert_invariants();
    }

    proptest! {
        #[test]
        fn quarantined_cells_that_are_ended_are_gone_in_any_order(
            cells in containment::tests::cells().prop_shuffle(), more in containment::tests::cells(),
        ) {
            // Some cells arrive twice.
            let cells = [&cells[..], &more, &cells[..cells.len() / 2]].concat();
            let mut kept = Quarantine::default();
            for (path, stamp, value) in &cells {
                let (parent, key) = path.as_path().split_last().unwrap();
                let cell = CellRef { key, stamp: *stamp, value: value.as_deref() };
                if !kept.withstands(parent, cell) && !kept.is_ended(parent, cell) {
                    kept.keep(parent, cell, None);
                    kept.end(parent, cell);
                }
                kept.assert_invariants();
            }
            let found = kept.iter().map(|held| {
                (held.path.to_owned(), (held.stamp, held.value.map(<[u8]>::to_vec)))
            });
            prop_assert!(found.eq(containment::tests::normal_form(&cells)));
        }
    }

    proptest! {
        #[test]
        fn it_keeps_the_latest_cell_of_each_path_in_path_order(steps in steps()) {
            let mut kept = Quarantine::default();
            let mut model = BTreeMap::<u16, u64>::new();
            let later = |model: &mut BTreeMap<u16, u64>, key, time: u64| {
                let latest = model.entry(key).or_default();
                *latest = time.max(*latest);
            };
            for step in steps {
                match step {
                    Step::Keep(key, time) => {
                        keep(&mut kept, key, time);
                        later(&mut model, key, time);
                    }
                    Step::Many(key, len, up) => {
                        for n in 0..len {
                            let key = key + if up { n } else { len - n };
                            keep(&mut kept, key, 25);
                            later(&mut model, key, 25);
                        }
                    }
                    Step::Remove(key) => {
                        prop_assert_eq!(kept.remove(&path(key)), model.remove(&key).is_some());
                    }
                    Step::RemoveMany(key, len) => {
                        for key in key..key + len {
                            prop_assert_eq!(kept.remove(&path(key)), model.remove(&key).is_some());
                        }
                    }
                    Step::Forget(time) => {
                        kept.forget_tombstones(Stable::Version(&VersionVector::of(ReplicaId::new(1), Time::new(time))));
                        model.retain(|_, at| !at.is_multiple_of(3) || *at > time);
                    }
                }
                kept.assert_invariants();
                prop_assert_eq!(kept.is_empty(), model.is_empty());
            }
            let found = kept.iter().map(|held| (held.path.to_owned(), held.stamp));
            prop_assert!(found.eq(model.into_iter().map(|(key, time)| (path(key), at(time)))));
        }
    }
}
