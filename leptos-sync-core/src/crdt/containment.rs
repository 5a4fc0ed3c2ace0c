//! The law of containment: a record is removed as a whole.
//!
//! Each record reserves one unnamed segment below its path. No key or field has that segment. The
//! cell there is the record's **ender**, always a tombstone. It ends every older cell at or below
//! the record's path, except itself:
//!
//! ```text
//! cards/a7/title      @5    ended
//! cards/a7/tags/x     @6    ended
//! cards/a7/""         @7    the ender
//! cards/a7/title      @8    not superseded: its stamp is greater
//! ```
//!
//! Nothing else ends anything. Whether a cell is superseded depends only on stamps and paths, so
//! the rule commutes with the join, and cells without types obey it too. A cell below a nameless
//! segment, such as `cards/a7/""/m`, is an ordinary cell below the record's path. An ender that
//! another one has ended may be forgotten, because the other one ends all that it would end.
//!
//! In the order of encoded paths, the cells at or below a path are one range. An ender comes
//! directly after the cell at the path itself.

use super::Crdt;
use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter, Cells, Group},
    path::{Path, PathBuf},
    version::VersionVector,
};

/// A callback for the path, stamp and value of a cell that was ended.
pub(crate) type Ended<'a> = &'a mut dyn FnMut(Path<'_>, Stamp, Option<&[u8]>);

/// Returns the path of the record whose ender stands at `path`, if it is the path of an ender. O(1)
/// for other paths, unless their last segment ends with a zero byte.
pub fn record_of_ender(path: Path<'_>) -> Option<Path<'_>> {
    if !path.as_bytes().ends_with(&[0]) {
        return None;
    }
    let (record, last) = path.split_last()?;
    let is_named = last.is_empty() && !record.is_root();
    (is_named && record.segments().all(|segment| !segment.is_empty())).then_some(record)
}

/// Returns whether an ender ends the cell at `path`. `ender` returns the stamp of the tombstone at
/// a path. O(segments) look-ups.
pub fn is_ended(
    path: Path<'_>,
    stamp: Stamp,
    ender: &mut dyn FnMut(&PathBuf) -> Option<Stamp>,
) -> bool {
    let mut record = PathBuf::new();
    for segment in path.segments() {
        if segment.is_empty() {
            break;
        }
        record.push(segment);
        let length = record.len();
        record.push(b"");
        // An ender does not end itself, since it is not older.
        if ender(&record).is_some_and(|ended| stamp < ended) {
            return true;
        }
        record.truncate(length);
    }
    false
}

/// Removes the cells of a value that are older than `end`, or all if there is no `end`, and passes
/// them to `ended`. `path` is that of the value. O(cells).
pub(crate) fn end_cells(
    value: &mut impl Crdt,
    path: &mut PathBuf,
    end: Option<Stamp>,
    ended: Ended<'_>,
) {
    let mut cells = CellWriter::default();
    value.write_cells(path, &VersionVector::new(), &mut cells);
    // Cells of a document have been encoded before, so this cannot fail.
    let Ok((replicas, groups, _)) = cells.finish() else {
        return;
    };
    for group in Cells::trusted(&replicas, Time::ZERO, &groups).groups() {
        for cell in group.cells() {
            if end.is_none_or(|end| cell.stamp < end) {
                let at = cell.path(group.parent());
                let inner = at.as_path().as_bytes().get(path.len()..);
                value.restore(Path::trusted(inner.unwrap_or_default()).segments(), None);
                ended(at.as_path(), cell.stamp, cell.value);
            }
        }
    }
}

/// Passes a group to `work` without the cells that are older than `end`, or that have no name if
/// `nameless` is false. Copies the group only if it has such cells. O(cells).
pub(crate) fn without_ended(
    group: &Group<'_>,
    end: Stamp,
    nameless: bool,
    work: &mut dyn FnMut(&Group<'_>),
) {
    let stays = |cell: &CellRef<'_>| cell.stamp >= end && (nameless || !cell.key.is_empty());
    if group.cells().all(|cell| stays(&cell)) {
        return work(group);
    }
    let mut cells = CellWriter::default();
    cells.group(group.parent());
    for cell in group.cells().filter(stays) {
        cells.copy(cell);
    }
    // The cells have been encoded before, so this cannot fail.
    if let Ok((replicas, groups, _)) = cells.finish() {
        let cells = Cells::trusted(&replicas, Time::ZERO, &groups);
        cells.for_each_group(|group| work(group));
    }
}

/// A naive oracle for cells that arrive in any order.
#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{clock::Time, id::ReplicaId};

    pub(crate) type Cell = (PathBuf, Stamp, Option<Vec<u8>>);

    /// Generates cells at few paths and times, many of them enders.
    pub(crate) fn cells() -> impl Strategy<Value = Vec<Cell>> {
        let segment = prop_oneof![4 => "[ab]", 1 => Just(String::new())];
        let path = (vec(segment, 1..4), any::<bool>()).prop_map(|(segments, is_ender)| {
            let segments = segments.into_iter().chain(is_ender.then(String::new));
            segments.fold(PathBuf::new(), |path, segment| {
                path.child(segment.as_bytes())
            })
        });
        let stamp = (1_u64..7, 1_u64..3)
            .prop_map(|(time, replica)| Stamp::new(Time::new(time), ReplicaId::new(replica)));
        let value = proptest::option::of(vec(any::<u8>(), 0..2));
        vec((path, stamp, value), 0..12).prop_map(|mut cells: Vec<Cell>| {
            for (path, _, value) in &mut cells {
                // There is no content without a name.
                if path
                    .as_path()
                    .split_last()
                    .is_some_and(|(_, key)| key.is_empty())
                {
                    *value = None;
                }
            }
            cells
        })
    }

    fn ends(ender: &Cell, cell: &Cell) -> bool {
        let segments = |path: &PathBuf| {
            let segments = path.as_path().segments();
            segments.map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        let (all, path) = (segments(&ender.0), segments(&cell.0));
        let Some((last, record)) = all.split_last() else {
            return false;
        };
        let is_ender = last.is_empty() && !record.is_empty() && !record.contains(&Vec::new());
        is_ender && path.starts_with(record) && cell.1 < ender.1
    }

    /// Returns the greatest cell at each path, of those that no cell ends.
    pub(crate) fn normal_form(cells: &[Cell]) -> BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)> {
        let mut left = BTreeMap::new();
        for cell in cells {
            if !cells.iter().any(|ender| ends(ender, cell)) {
                let new = (cell.1, cell.2.clone());
                let known = left.entry(cell.0.clone()).or_insert_with(|| new.clone());
                *known = new.max(known.clone());
            }
        }
        left
    }

    proptest! {
        #[test]
        fn the_law_is_that_of_the_oracle(cells in cells()) {
            for cell in &cells {
                let ended = is_ended(cell.0.as_path(), cell.1, &mut |ender| {
                    let at = cells.iter().filter(|other| other.0 == *ender);
                    at.map(|other| other.1).max()
                });
                prop_assert_eq!(ended, cells.iter().any(|ender| ends(ender, cell)));
            }
        }
    }

    #[test]
    fn only_a_nameless_segment_below_named_ones_is_an_ender() {
        let path = |segments: &[&str]| {
            let segments = segments.iter();
            segments.fold(PathBuf::new(), |path, segment| {
                path.child(segment.as_bytes())
            })
        };
        for (segments, is_ender) in [
            (&["a", ""][..], true),
            (&["a", "b", ""], true),
            (&[""], false),
            (&["a", "\0"], false),
            (&["a", "", "m"], false),
            (&["a", "", ""], false),
            (&["", "a", ""], false),
        ] {
            let path = path(segments);
            assert_eq!(
                record_of_ender(path.as_path()).is_some(),
                is_ender,
                "{path:?}"
            );
        }
    }
}
