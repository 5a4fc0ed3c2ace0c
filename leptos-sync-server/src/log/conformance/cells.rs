//! Cells, patches and entries in the form that the laws compare.

use std::collections::BTreeMap;

use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, PathBuf},
    history::{Entry, EntryHash, EntryId, IdHead, Patch},
};

use crate::Error;

/// A cell without its path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell {
    pub(super) stamp: Stamp,
    pub(super) value: Option<Vec<u8>>,
}

/// All cells by path.
pub(super) type CellsByPath = BTreeMap<PathBuf, Cell>;

/// Returns a path. The paths are few, and of several depths and lengths of keys.
pub(super) fn path(at: u8) -> PathBuf {
    let root = PathBuf::new();
    match at % 8 {
        0 => root.child(b"title"),
        1 => root.child(b"cards").child(b"zz"),
        2 => root.child(b"cards").child(b"a"),
        3 => root.child(b"cards").child(b"a").child(b"text"),
        4 => root.child(b"cards").child(b"b").child(b"done"),
        5 => root.child(b"card"),
        6 => root.child(b"").child(b"x"),
        _ => root.child(b"z"),
    }
}

/// Returns a path as [`path`] does, or one of an ender or of a cell beside it.
pub(super) fn any_path(at: u8) -> PathBuf {
    let cards = PathBuf::new().child(b"cards");
    match at % 12 {
        8 => cards.child(b""),
        9 => cards.child(b"a").child(b""),
        10 => cards.child(b"b").child(b""),
        11 => cards.child(b"a").child(b"").child(b"m"),
        at => path(at),
    }
}

/// Returns the segments of the record whose ender stands at a path.
pub(super) fn record_of(path: &PathBuf) -> Option<Vec<&[u8]>> {
    let mut segments: Vec<_> = path.as_path().segments().collect();
    let last = segments.pop()?;
    let is_ender = last.is_empty() && !segments.is_empty() && !segments.contains(&&b""[..]);
    is_ender.then_some(segments)
}

pub(super) fn patch(cells: &CellsByPath) -> Patch {
    let latest = cells.values().map(|cell| cell.stamp.time).max();
    let patch = Patch::collect(latest.unwrap_or_default(), |out| {
        for (path, cell) in cells {
            let (parent, key) = path.as_path().split_last().expect("no cell is at the root");
            out.group(parent);
            out.copy(CellRef {
                key,
                stamp: cell.stamp,
                value: cell.value.as_deref(),
            });
        }
    });
    patch.expect("small cells are within the limits")
}

/// Returns the cells of a patch in its order, after encoding and decoding it.
pub(super) fn listed(patch: &Patch) -> Vec<(PathBuf, Cell)> {
    let patch = Patch::decode(&patch.encode()).expect("a log returns patches that decode");
    let mut all = Vec::new();
    for group in patch.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            let stamp = cell.stamp;
            all.push((cell.path(group.parent()), Cell { stamp, value }));
        }
    }
    all
}

pub(super) fn by_path(patch: &Patch) -> CellsByPath {
    let all = listed(patch);
    let count = all.len();
    let by_path: CellsByPath = all.into_iter().collect();
    assert_eq!(by_path.len(), count, "each path has one cell");
    by_path
}

/// Returns the size of a cell without overhead.
pub(super) fn bytes(path: &PathBuf, cell: &Cell) -> usize {
    path.as_path().as_bytes().len() + cell.value.as_ref().map_or(0, Vec::len)
}

/// Returns the entry that follows a head.
pub(super) fn entry(
    id: u64,
    head: IdHead,
    time: Time,
    cells: &[(PathBuf, Option<Vec<u8>>)],
) -> Entry {
    let replica = ReplicaId::new(id);
    let number = head.number + 1;
    let stamp = Stamp::new(time, replica);
    let cells = cells.iter().cloned();
    let cells = cells.map(|(path, value)| (path, Cell { stamp, value }));
    let cells: CellsByPath = cells.collect();
    Entry {
        id: EntryId { replica, number },
        previous: head.hash,
        hash: EntryHash::new(id.wrapping_mul(1 << 32) + number + 1),
        time: if cells.is_empty() { Time::ZERO } else { time },
        cells: patch(&cells),
        stored: None,
        user: 0,
    }
}

pub(super) fn succeeds<T>(done: Result<T, Error>, what: &str) -> T {
    match done {
        Ok(done) => done,
        Err(error) => panic!("{what} failed: {error:?}"),
    }
}

pub(super) fn fails<T>(done: Result<T, Error>, what: &str) -> Error {
    match done {
        Ok(_) => panic!("{what} was accepted"),
        Err(error) => error,
    }
}
