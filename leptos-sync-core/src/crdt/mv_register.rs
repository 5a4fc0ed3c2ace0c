use super::{
    Applied, Crdt, Join, Root, Stable, Value,
    tagged::{self, TagCells, Tagged},
    traits::OldCell,
};
use crate::{
    clock::Stamp,
    codec::{CellWriter, Group},
    error::Error,
    id::Id,
    order::heap_sort,
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// A single value that keeps concurrent writes, so that an app can show the conflict.
///
/// A write replaces the values that its writer has seen. If two replicas write at the same time,
/// both values stay, until a writer who has seen both [sets](crate::Tx) one. An app that shows only
/// one of them uses [`get`](MvRegister::get), which returns the value of the latest write, like an
/// [`LwwRegister`](super::LwwRegister).
///
/// Values that are equal count once. Reading and writing are O(values); almost always there is one.
/// In memory, a register takes 56 bytes and its value, and encoded, about 15 bytes and its value.
/// Each write leaves a tombstone of 40 bytes in memory, and 12 encoded, until all replicas are
/// known to have it.
///
/// ```
/// use leptos_sync_core::{Clock, Crdt, Doc, MvRegister, ReplicaId};
///
/// #[derive(Crdt, Clone, Default)]
/// struct Page {
///     title: MvRegister<String>,
/// }
///
/// let mut ada = Doc::<Page>::new(Clock::system(ReplicaId::new(1)));
/// let mut bob = Doc::<Page>::new(Clock::system(ReplicaId::new(2)));
/// ada.transact(|tx| tx.title().set("Groceries".to_owned()))?;
/// bob.transact(|tx| tx.title().set("Shopping".to_owned()))?;
/// ada.merge(&bob)?;
/// bob.merge(&ada)?;
/// assert!(ada.state().title.is_conflicted());
/// assert!(ada.state().title.values().eq(bob.state().title.values()));
///
/// ada.transact(|tx| tx.title().set("Shopping list".to_owned()))?;
/// bob.merge(&ada)?;
/// assert!(!bob.state().title.is_conflicted());
/// assert_eq!(bob.state().title.get().map(String::as_str), Some("Shopping list"));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct MvRegister<T>(TagCells<T>);

impl<T> MvRegister<T> {
    /// Creates a register without a value. Allocates nothing.
    pub fn new() -> Self {
        Self(TagCells::default())
    }

    /// Returns the value of the latest write, or `None` if there was none.
    pub fn get(&self) -> Option<&T> {
        let latest = self
            .0
            .live()
            .iter()
            .max_by_key(|cell| (cell.stamp, cell.tag));
        latest.map(|cell| &cell.value)
    }

    /// Returns the number of tombstones. O(1).
    pub fn tombstones(&self) -> usize {
        self.0.tombstones()
    }

    /// Returns the tags of the current values.
    pub(crate) fn tags(&self) -> impl Iterator<Item = Id> {
        self.0.live().iter().map(|cell| cell.tag)
    }
}

impl<T: PartialEq> MvRegister<T> {
    /// Iterates over the values that no write has replaced, the latest first. The order is the
    /// same on every replica.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        let mut cells: Vec<_> = self.0.live().iter().collect();
        heap_sort(&mut cells, |one, two| {
            (one.stamp, one.tag) > (two.stamp, two.tag)
        });
        let mut values = Vec::with_capacity(cells.len());
        for cell in cells {
            if !values.contains(&&cell.value) {
                values.push(&cell.value);
            }
        }
        values.into_iter()
    }

    /// Returns whether there are different values, written at the same time.
    pub fn is_conflicted(&self) -> bool {
        let mut values = self.0.live().iter().map(|cell| &cell.value);
        let first = values.next();
        values.any(|value| Some(value) != first)
    }
}

impl<T: Value> MvRegister<T> {
    /// Writes `value` under `tag`, which must be unique. Replaces all values that are not later.
    pub fn set(&mut self, value: T, tag: Id, stamp: Stamp) {
        let live = self.0.live().iter();
        let old = live.filter(|cell| cell.stamp <= stamp).map(|cell| cell.tag);
        for old in old.collect::<Vec<_>>() {
            self.0.put(old, stamp, None);
        }
        self.0.put(tag, stamp, Some(value));
    }

    /// Joins another copy: for each tag, the later cell wins. O(values and tombstones of both).
    pub fn merge(&mut self, other: &Self) {
        for (tag, stamp, value) in other.0.iter() {
            self.0.join(tag, stamp, value);
        }
    }
}

impl<T: Value> Tagged for MvRegister<T> {
    type Element = ();
    type Value = T;

    fn encode((): &(), _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    fn decode(bytes: &[u8], _: &mut Vec<u8>) -> Result<(), Error> {
        match bytes.is_empty() {
            true => Ok(()),
            false => Err(Error::value("the key of a register's value is not a tag")),
        }
    }

    fn cells(&self, (): &()) -> Option<&TagCells<T>> {
        Some(&self.0)
    }

    fn change<R>(&mut self, (): &(), change: impl FnOnce(&mut TagCells<T>) -> R) -> (R, bool) {
        let before = self.0.live().is_empty();
        let result = change(&mut self.0);
        (result, before != self.0.live().is_empty())
    }

    fn change_each(&mut self, mut change: impl FnMut(&(), &mut TagCells<T>)) {
        change(&(), &mut self.0);
    }

    fn for_each(&self, mut work: impl FnMut(&(), &TagCells<T>)) {
        work(&(), &self.0);
    }
}

impl<T: Value> Root for MvRegister<T> {}

impl<T: Value> Crdt for MvRegister<T> {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
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
        tagged::take_tombstones(self, path, out);
    }

    fn assert_invariants(&self) {
        self.0.assert_invariants();
    }
}

impl<T> Default for MvRegister<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: PartialEq> PartialEq for MvRegister<T> {
    /// Returns whether both have the same values under the same tags and stamps, including
    /// tombstones.
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T: Eq> Eq for MvRegister<T> {}
