use std::{borrow::Borrow, collections::BTreeMap, fmt};

use super::{
    Applied, Crdt, Join, Root, Stable, Value,
    tagged::{self, TagCells, Tagged},
    traits::OldCell,
};
use crate::{
    clock::Stamp,
    codec::{self, CellWriter, Group},
    error::Error,
    id::Id,
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// A set in which adding wins over removing.
///
/// Adding an element gives it a *tag*, a unique id. Removing it removes the tags that the remover
/// has seen. So if one replica removes an element while another one removes and adds it again, the
/// element stays, whatever their clocks say.
///
/// **Adding an element that is present writes nothing**, so a concurrent removal wins over it. To
/// keep such an element, remove it and add it in one transaction.
///
/// Elements are iterated in their order, which is the same on every replica. Elements must encode
/// to equal bytes if they are equal, like the [keys](super::Key) of a map.
///
/// | Operation | Cost |
/// |---|---|
/// | [`contains`](OrSet::contains), [`insert`](OrSet::insert), [`remove`](OrSet::remove) | O(log elements), plus the tags of the element |
/// | [`len`](OrSet::len) | O(1) |
/// | [`iter`](OrSet::iter), [`merge`](OrSet::merge), changes since a version | O(elements and tombstones) |
///
/// Encoded, an element takes its bytes and about 12 for its tag; an element of 10 bytes takes 22.
/// In memory it takes about 180 bytes (`tests/set_footprint.rs`). Each removal leaves a tombstone,
/// of 32 bytes in memory, and encoded as large as an element, until all replicas are known to have
/// it. The document of a page packs its tombstones into a few bytes each once there are many.
///
/// ```
/// use leptos_sync_core::{Clock, Doc, OrSet, ReplicaId};
///
/// let mut ada = Doc::<OrSet<String>>::new(Clock::system(ReplicaId::new(1)));
/// let mut bob = Doc::<OrSet<String>>::new(Clock::system(ReplicaId::new(2)));
/// ada.transact(|tx| tx.insert_batch(["milk".to_owned(), "eggs".to_owned()]))?;
/// bob.merge(&ada)?;
///
/// // Ada removes both. Bob also removes the milk, but then adds it again.
/// ada.transact(|tx| tx.clear())?;
/// bob.transact(|tx| tx.remove("milk"))?;
/// bob.transact(|tx| tx.insert("milk".to_owned()))?;
/// ada.merge(&bob)?;
/// bob.merge(&ada)?;
///
/// assert_eq!(ada.state(), bob.state());
/// assert!(ada.state().iter().eq(["milk"]));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone)]
pub struct OrSet<T> {
    elements: BTreeMap<T, TagCells<()>>,
    /// The number of elements with a live tag.
    len: usize,
    tombstones: usize,
}

impl<T> OrSet<T> {
    /// Creates an empty set. Allocates nothing.
    pub const fn new() -> Self {
        Self {
            elements: BTreeMap::new(),
            len: 0,
            tombstones: 0,
        }
    }

    /// Returns the number of elements. O(1).
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether the set has no elements. O(1).
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the number of tombstones. O(1).
    pub fn tombstones(&self) -> usize {
        self.tombstones
    }

    /// Iterates over the elements in their order. O(elements and tombstones).
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let elements = self.elements.iter();
        elements.filter_map(|(element, cells)| (!cells.live().is_empty()).then_some(element))
    }
}

impl<T: Ord> OrSet<T> {
    /// Returns whether the set has an element. O(log n).
    pub fn contains<Q>(&self, element: &Q) -> bool
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let cells = self.elements.get(element);
        cells.is_some_and(|cells| !cells.live().is_empty())
    }

    /// Returns the element and the tags that it has now.
    pub(crate) fn tags<Q>(&self, element: &Q) -> Option<(&T, impl Iterator<Item = Id>)>
    where
        T: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        let (element, cells) = self.elements.get_key_value(element)?;
        Some((element, cells.live().iter().map(|cell| cell.tag)))
    }
}

impl<T: Clone + Ord> OrSet<T> {
    /// Adds an element under `tag`, which must be unique. Returns whether it was absent; if it is
    /// present, nothing changes.
    pub fn insert(&mut self, element: T, tag: Id, stamp: Stamp) -> bool {
        let cells = self.elements.entry(element).or_default();
        if !cells.live().is_empty() {
            return false;
        }
        let before = cells.tombstones();
        cells.put(tag, stamp, Some(()));
        self.tombstones = self.tombstones + cells.tombstones() - before;
        self.len += 1;
        true
    }

    /// Removes an element: the tags that it has here, except later ones. Returns whether it is gone
    /// now and was present.
    pub fn remove(&mut self, element: &T, stamp: Stamp) -> bool {
        if !self.contains(element) {
            return false;
        }
        let (_, is_gone) = self.change_cells(element, |cells| {
            let live = cells.live().iter();
            let old = live.filter(|cell| cell.stamp <= stamp).map(|cell| cell.tag);
            for tag in old.collect::<Vec<_>>() {
                cells.put(tag, stamp, None);
            }
        });
        is_gone
    }

    /// Joins another copy: for each tag, the later cell wins. O(elements of both).
    pub fn merge(&mut self, other: &Self) {
        if self.elements.is_empty() {
            self.clone_from(other);
            return;
        }
        let mut missing = Vec::new();
        let mut ours = self.elements.iter_mut().peekable();
        for (element, theirs) in &other.elements {
            while ours.next_if(|(ours, _)| *ours < element).is_some() {}
            let Some((_, cells)) = ours.next_if(|(ours, _)| *ours == element) else {
                missing.push((element.clone(), theirs.clone()));
                continue;
            };
            if cells != theirs {
                for (tag, stamp, value) in theirs.iter() {
                    cells.join(tag, stamp, value);
                }
            }
        }
        self.elements.extend(missing);
        self.count();
    }

    fn change_cells<R>(
        &mut self,
        element: &T,
        change: impl FnOnce(&mut TagCells<()>) -> R,
    ) -> (R, bool) {
        let (result, before, after) = match self.elements.get_mut(element) {
            Some(cells) => {
                let before = counts(cells);
                let result = change(cells);
                let (after, is_empty) = (counts(cells), cells.is_empty());
                if is_empty {
                    self.elements.remove(element);
                }
                (result, before, after)
            }
            None => {
                let mut cells = TagCells::default();
                let result = change(&mut cells);
                let after = counts(&cells);
                if !cells.is_empty() {
                    self.elements.insert(element.clone(), cells);
                }
                (result, (0, 0), after)
            }
        };
        self.len = self.len + after.0 - before.0;
        self.tombstones = self.tombstones + after.1 - before.1;
        (result, before.0 != after.0)
    }
}

impl<T> OrSet<T> {
    /// Counts the elements and tombstones again.
    fn count(&mut self) {
        (self.len, self.tombstones) = (0, 0);
        for (live, dead) in self.elements.values().map(counts) {
            self.len += live;
            self.tombstones += dead;
        }
    }
}

/// Returns 1 if the element is present, otherwise 0, and the number of its tombstones.
fn counts(cells: &TagCells<()>) -> (usize, usize) {
    (usize::from(!cells.live().is_empty()), cells.tombstones())
}

impl<T: Value + Ord> Tagged for OrSet<T> {
    type Element = T;
    type Value = ();

    fn encode(element: &T, key: &mut Vec<u8>) -> Result<(), Error> {
        codec::encode_key(element, key)
    }

    fn decode(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<T, Error> {
        codec::decode_key(bytes, scratch)
    }

    fn cells(&self, element: &T) -> Option<&TagCells<()>> {
        self.elements.get(element)
    }

    fn change<R>(&mut self, element: &T, change: impl FnOnce(&mut TagCells<()>) -> R) -> (R, bool) {
        self.change_cells(element, change)
    }

    fn change_each(&mut self, mut change: impl FnMut(&T, &mut TagCells<()>)) {
        self.elements.retain(|element, cells| {
            change(element, cells);
            !cells.is_empty()
        });
        self.count();
    }

    fn for_each(&self, mut work: impl FnMut(&T, &TagCells<()>)) {
        for (element, cells) in &self.elements {
            work(element, cells);
        }
    }
}

impl<T: Value + Ord> Root for OrSet<T> {}

impl<T: Value + Ord> Crdt for OrSet<T> {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        if since.is_empty() {
            out.group(path.as_path());
            out.reserve(2 * (self.elements.len() + self.tombstones));
        }
        tagged::write_cells(self, path, since, out);
    }

    fn write_stamped(
        &self,
        rest: Segments<'_>,
        path: Path<'_>,
        stamp: Stamp,
        out: &mut CellWriter,
    ) {
        tagged::write_stamped(self, rest, path, stamp, out);
    }

    fn apply_group(&mut self, rest: Segments<'_>, group: &Group<'_>, out: &mut Applied<'_>) {
        tagged::apply_group(self, rest, group, out);
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        tagged::join(self, other, join);
    }

    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        tagged::cell_at(self, rest, value)
    }

    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>) {
        tagged::restore(self, rest, old);
    }

    fn forget_tombstones(&mut self, stable: Stable<'_>) {
        tagged::forget_tombstones(self, stable);
    }

    fn tombstones(&self) -> usize {
        Self::tombstones(self)
    }

    fn take_tombstones(&mut self, path: &mut PathBuf, out: &mut dyn FnMut(PathBuf, Stamp)) {
        if self.tombstones > 0 {
            tagged::take_tombstones(self, path, out);
        }
    }

    fn assert_invariants(&self) {
        for cells in self.elements.values() {
            assert!(!cells.is_empty(), "every element has a cell");
            cells.assert_invariants();
        }
        let counts = self.elements.values().map(counts);
        let all = counts.fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        assert_eq!(all, (self.len, self.tombstones), "the counts are correct");
    }
}

impl<T> Default for OrSet<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for OrSet<T> {
    /// Returns whether both have the same tags with the same stamps, including tombstones.
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

impl<T: Eq> Eq for OrSet<T> {}

impl<T: fmt::Debug> fmt::Debug for OrSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
