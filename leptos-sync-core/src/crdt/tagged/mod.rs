//! Types whose cells end with a tag: sets, and registers that keep concurrent values.
//!
//! A write creates a cell under a fresh tag, and removes the tags that it replaces. A removal that
//! has not seen a tag leaves it, so an addition at the same time wins.
//!
//! ```text
//! Ada adds "milk":       milk·a1                       milk
//! Bob removes it:        milk·a1 ✝                     —
//! Ada adds it again,     milk·a1, milk·a2              milk
//!   without having seen the removal … she writes nothing, since it is there
//! all together:          milk·a1 ✝                     —
//!
//! Eve had removed and added it before she saw Bob's removal:
//!                        milk·a1 ✝, milk·e1            milk
//! ```

mod cells;
mod names;
mod tag;

pub(crate) use cells::TagCells;
pub(crate) use names::TagNames;
pub use tag::element_of;
use tag::{push_tag, split_tag};

use super::{
    Applied, Join, Stable, Value,
    lww_map::wins,
    traits::{OldCell, SavedCell},
};
use crate::{
    clock::Stamp,
    codec::{self, CellRef, CellWriter, Group},
    error::Error,
    id::Id,
    path::{Path, PathBuf, Segments},
    version::VersionVector,
};

/// The storage of a type whose cells end with a tag. The functions below implement its cells.
pub(crate) trait Tagged: Default {
    /// What stands before the tag in a key: the element of a set, or nothing.
    type Element: Clone + 'static;
    type Value: Value;

    /// Appends the encoded element to a key.
    fn encode(element: &Self::Element, key: &mut Vec<u8>) -> Result<(), Error>;

    fn decode(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<Self::Element, Error>;

    fn cells(&self, element: &Self::Element) -> Option<&TagCells<Self::Value>>;

    /// Changes the cells of an element. Returns whether it was added or removed.
    fn change<R>(
        &mut self,
        element: &Self::Element,
        change: impl FnOnce(&mut TagCells<Self::Value>) -> R,
    ) -> (R, bool);

    /// Changes the cells of all elements.
    fn change_each(&mut self, change: impl FnMut(&Self::Element, &mut TagCells<Self::Value>));

    fn for_each(&self, work: impl FnMut(&Self::Element, &TagCells<Self::Value>));

    fn get(&self, element: &Self::Element, tag: Id) -> Option<(Stamp, Option<&Self::Value>)> {
        self.cells(element)?.get(tag)
    }

    /// Returns the current cell, to roll a transaction back. Appends its encoded value to `value`.
    fn old_cell(&self, element: &Self::Element, tag: Id, value: &mut Vec<u8>) -> Option<SavedCell> {
        let (stamp, old) = self.get(element, tag)?;
        if let Some(old) = old {
            // Values in a document have been encoded before, so this cannot fail.
            let _ = codec::encode(old, value);
        }
        Some(SavedCell {
            live: old.is_some(),
            tags: Some(&names::NAMES),
            ..SavedCell::live(stamp)
        })
    }
}

/// Appends the key of a cell.
pub(crate) fn encode_key<T: Tagged>(
    element: &T::Element,
    tag: Id,
    key: &mut Vec<u8>,
) -> Result<(), Error> {
    T::encode(element, key)?;
    push_tag(tag, key);
    Ok(())
}

fn decode_key<T: Tagged>(key: &[u8], scratch: &mut Vec<u8>) -> Result<(T::Element, Id), Error> {
    let (element, tag) = split_tag(key)
        .ok_or_else(|| Error::value("the key of this cell does not end with a tag"))?;
    Ok((T::decode(element, scratch)?, tag))
}

pub(super) fn write_cells<T: Tagged>(
    all: &T,
    path: &PathBuf,
    since: &VersionVector,
    out: &mut CellWriter,
) {
    out.group(path.as_path());
    all.for_each(|element, cells| {
        for (tag, stamp, value) in cells.iter() {
            if !since.contains(stamp) {
                out.push(
                    stamp,
                    |key| encode_key::<T>(element, tag, key),
                    value.map(|value| |bytes: &mut Vec<u8>| codec::encode(value, bytes)),
                );
            }
        }
    });
}

/// Writes the cell at `path` if it carries `stamp`.
pub(super) fn write_stamped<T: Tagged>(
    all: &T,
    rest: Segments<'_>,
    path: Path<'_>,
    stamp: Stamp,
    out: &mut CellWriter,
) {
    let mut value = Vec::new();
    if let Some((parent, key)) = path.split_last()
        && let Some(cell) = cell_at(all, rest, &mut value)
        && cell.stamp == stamp
    {
        out.group(parent);
        let value = cell.value;
        out.copy(CellRef { key, stamp, value });
    }
}

pub(super) fn apply_group<T: Tagged>(
    all: &mut T,
    rest: Segments<'_>,
    group: &Group<'_>,
    out: &mut Applied<'_>,
) {
    if !rest.is_empty() {
        return out.unknown_group(group);
    }
    let mut scratch = Vec::new();
    for cell in group.cells() {
        if out.passes_over(group, cell) {
            continue;
        }
        match decode_key::<T>(cell.key, &mut scratch) {
            Ok((element, tag)) => apply_cell(all, &element, tag, group, cell, &mut scratch, out),
            Err(error) => out.quarantine(group, cell, &error),
        }
    }
}

fn apply_cell<T: Tagged>(
    all: &mut T,
    element: &T::Element,
    tag: Id,
    group: &Group<'_>,
    cell: CellRef<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Applied<'_>,
) {
    let ours = all.get(element, tag);
    if ours.is_some_and(|(stamp, value)| !wins(cell, stamp, value)) {
        return;
    }
    let value = cell.value.map(|bytes| codec::decode_exact(bytes, scratch));
    match value.transpose() {
        Ok(value) => {
            let put = |cells: &mut TagCells<T::Value>| cells.put(tag, cell.stamp, value);
            let ((), existence) = all.change(element, put);
            out.changed(group, cell, existence);
        }
        Err(error) => {
            // The quarantined bytes are now the cell's value. The older value must not be shown,
            // stored or sent in their place.
            if ours.is_some() {
                let (_, existence) = all.change(element, |cells| cells.remove(tag));
                out.changed(group, cell, existence);
            }
            out.quarantine(group, cell, &error);
        }
    }
}

pub(super) fn join<T: Tagged>(all: &mut T, other: &T, join: &mut Join<'_>) {
    let mut key = Vec::new();
    let mut changed = |join: &mut Join<'_>, element: &T::Element, tag, existence| {
        key.clear();
        // An element that cannot be encoded never enters a document.
        let _ = encode_key::<T>(element, tag, &mut key);
        join.changed_child(&key, existence);
    };
    other.for_each(|element, theirs| {
        for (tag, stamp, value) in theirs.iter() {
            if !join.ours_has_seen(stamp) {
                let (wins, existence) = all.change(element, |ours| ours.join(tag, stamp, value));
                if wins {
                    changed(join, element, tag, existence);
                }
            }
        }
    });
    if !join.theirs_has_forgotten() {
        return;
    }
    let mut gone = Vec::new();
    all.for_each(|element, ours| {
        for (tag, stamp, value) in ours.iter() {
            if join.theirs_has_seen(stamp) && other.get(element, tag).is_none() {
                gone.push((element.clone(), tag, value.is_some()));
            }
        }
    });
    for (element, tag, was_live) in gone {
        let (_, existence) = all.change(&element, |cells| cells.remove(tag));
        if was_live {
            changed(join, &element, tag, existence);
        }
    }
}

pub(super) fn cell_at<'a, T: Tagged>(
    all: &T,
    mut rest: Segments<'_>,
    value: &'a mut Vec<u8>,
) -> Option<OldCell<'a>> {
    value.clear();
    let (element, tag) = decode_key::<T>(rest.next()?, &mut Vec::new()).ok()?;
    let cell = all.old_cell(&element, tag, value)?;
    rest.is_empty().then(|| cell.with(value))
}

pub(super) fn restore<T: Tagged>(all: &mut T, mut rest: Segments<'_>, old: Option<OldCell<'_>>) {
    let key = rest.next().map(|key| decode_key::<T>(key, &mut Vec::new()));
    let (Some(Ok((element, tag))), true) = (key, rest.is_empty()) else {
        return;
    };
    all.change(&element, |cells| {
        cells.remove(tag);
        if let Some(old) = old {
            let value = old.value.and_then(|bytes| codec::decode(bytes).ok());
            cells.put(tag, old.stamp, value);
        }
    });
}

pub(super) fn forget_tombstones<T: Tagged>(all: &mut T, stable: Stable<'_>) {
    all.change_each(|_, cells| cells.forget_tombstones(stable));
}

pub(super) fn take_tombstones<T: Tagged>(
    all: &mut T,
    path: &PathBuf,
    out: &mut dyn FnMut(PathBuf, Stamp),
) {
    let mut key = Vec::new();
    all.change_each(|element, cells| {
        for (tag, stamp) in cells.take_tombstones() {
            key.clear();
            // An element that cannot be encoded never enters a document.
            let _ = encode_key::<T>(element, tag, &mut key);
            out(path.child(&key), stamp);
        }
    });
}
