use serde::Serialize;

use super::{
    Applied, Crdt, Join, Stable, Value,
    lww_map::greater,
    traits::{OldCell, SavedCell},
};
use crate::{
    clock::Stamp,
    codec::{self, CellRef, CellWriter, Group},
    error::Error,
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// A single value; the last write wins.
///
/// A register stores only the value and the stamp of its last write. Reading, writing and merging
/// are O(1). Of two concurrent writes, one is lost; if both matter, use a map or a counter. A new
/// register holds the default value under the zero stamp, so it never wins over written data.
///
/// ```
/// use leptos_sync_core::{Clock, LwwRegister, ReplicaId};
///
/// let (mut ada, mut bob) = (Clock::system(ReplicaId::new(1)), Clock::system(ReplicaId::new(2)));
/// let mut at_ada = LwwRegister::<String>::default();
/// let mut at_bob = LwwRegister::<String>::default();
///
/// at_ada.set("Groceries".to_owned(), ada.tick()?);
/// at_bob.merge(&at_ada);
/// bob.observe(at_ada.stamp().time)?;
/// at_bob.set("Shopping".to_owned(), bob.tick()?);
/// at_ada.merge(&at_bob);
///
/// assert_eq!(at_ada, at_bob);
/// assert_eq!(at_ada.get(), "Shopping");
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LwwRegister<T> {
    value: T,
    stamp: Stamp,
}

impl<T> LwwRegister<T> {
    /// Creates a register with a value written at `stamp`.
    #[inline]
    pub const fn new(value: T, stamp: Stamp) -> Self {
        Self { value, stamp }
    }

    /// Returns the value.
    #[inline]
    pub const fn get(&self) -> &T {
        &self.value
    }

    /// Returns the stamp of the last write, or the zero stamp if there was none.
    #[inline]
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }

    /// Writes `value`. Returns whether the write took effect; a write older than the current value
    /// does not.
    ///
    /// Writes with equal stamps belong to one transaction; the last one wins.
    #[inline]
    pub fn set(&mut self, value: T, stamp: Stamp) -> bool {
        let wins = stamp >= self.stamp;
        if wins {
            self.value = value;
            self.stamp = stamp;
        }
        wins
    }

    /// Returns the value by move.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Clone + Serialize + 'static> LwwRegister<T> {
    /// Joins another copy: the later write wins. Clones the value only if the other one wins.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        if self.loses_to(other) {
            self.value.clone_from(&other.value);
            self.stamp = other.stamp;
        }
    }

    #[inline]
    fn loses_to(&self, other: &Self) -> bool {
        other.stamp > self.stamp
            || (other.stamp == self.stamp
                && other.stamp != Stamp::ZERO
                && greater(Some(&other.value), Some(&self.value), &mut Vec::new()))
    }
}

impl<T: Value + Default> Crdt for LwwRegister<T> {
    fn merge(&mut self, other: &Self) {
        Self::merge(self, other);
    }

    fn write_cells(&self, path: &mut PathBuf, since: &VersionVector, out: &mut CellWriter) {
        if !since.contains(self.stamp) {
            self.write_cell(path.as_path(), out);
        }
    }

    fn write_stamped(&self, _: Segments<'_>, path: Path<'_>, stamp: Stamp, out: &mut CellWriter) {
        if self.stamp == stamp {
            self.write_cell(path, out);
        }
    }

    fn apply_cell(&mut self, group: &Group<'_>, cell: CellRef<'_>, out: &mut Applied<'_>) {
        if out.passes_over(group, cell) || cell.stamp < self.stamp {
            return;
        }
        let decoded = match cell.value {
            Some(bytes) => codec::decode_exact::<T>(bytes, &mut Vec::new()),
            None => Err(Error::value("a register cannot have a tombstone")),
        };
        match decoded {
            Ok(value) => {
                let other = Self::new(value, cell.stamp);
                if self.loses_to(&other) {
                    *self = other;
                    out.changed(group, cell, false);
                }
            }
            Err(error) => {
                if cell.stamp > self.stamp
                    || cell.value.is_some_and(|bytes| bytes > &*self.encoded())
                {
                    out.quarantine(group, cell, &error);
                    *self = Self::default();
                    out.changed(group, cell, false);
                }
            }
        }
    }

    fn join(&mut self, other: &Self, join: &mut Join<'_>) {
        if self.loses_to(other) && !join.ours_has_seen(other.stamp) {
            self.merge(other);
            join.changed();
        }
    }

    fn cell_at<'a>(&self, rest: Segments<'_>, value: &'a mut Vec<u8>) -> Option<OldCell<'a>> {
        value.clear();
        let cell = (rest.is_empty() && self.stamp != Stamp::ZERO).then(|| self.old_cell(value))?;
        Some(cell.with(value))
    }

    fn restore(&mut self, rest: Segments<'_>, old: Option<OldCell<'_>>) {
        if !rest.is_empty() {
            return;
        }
        let value = old.and_then(|old| Some((codec::decode(old.value?).ok()?, old.stamp)));
        *self = value.map_or_else(Self::default, |(value, stamp)| Self::new(value, stamp));
    }

    fn forget_tombstones(&mut self, _: Stable<'_>) {}
}

impl<T: Serialize> LwwRegister<T> {
    /// Writes the register's cell, whose path is `path`.
    fn write_cell(&self, path: Path<'_>, out: &mut CellWriter) {
        let Some((parent, name)) = path.split_last() else {
            return;
        };
        out.group(parent);
        out.push(
            self.stamp,
            |bytes| {
                bytes.extend_from_slice(name);
                Ok(())
            },
            Some(|bytes: &mut Vec<u8>| codec::encode(&self.value, bytes)),
        );
    }

    /// Returns the encoded value of the cell.
    fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A value that cannot be encoded never enters a document.
        let _ = codec::encode(&self.value, &mut bytes);
        bytes
    }

    /// Returns the current cell, to roll a transaction back. Appends its encoded value to `value`.
    pub(crate) fn old_cell(&self, value: &mut Vec<u8>) -> SavedCell {
        let _ = codec::encode(&self.value, value);
        SavedCell::live(self.stamp)
    }
}

impl<T: Default> Default for LwwRegister<T> {
    fn default() -> Self {
        Self::new(T::default(), Stamp::ZERO)
    }
}
