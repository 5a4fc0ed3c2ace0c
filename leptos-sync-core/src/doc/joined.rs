use std::collections::BTreeMap;

use crate::{
    clock::{Stamp, Time},
    codec::{CellRef, CellWriter},
    crdt::{Applied, Quarantine, Root},
    delta::Patch,
    path::PathBuf,
    version::VersionVector,
};

/// A cell with its own path.
pub type OwnCell = (PathBuf, Stamp, Option<Vec<u8>>);

/// Joins cells into an empty state, one by one and in any order. Returns the state and all cells
/// that it and its quarantine hold. For tests.
///
/// # Panics
///
/// If a cell cannot be written, an invariant does not hold, or a path has two cells.
pub fn joined<S: Root>(cells: &[OwnCell]) -> (S, Vec<OwnCell>) {
    let (mut state, mut quarantine) = (S::default(), Quarantine::default());
    let nothing = VersionVector::new();
    for (path, stamp, value) in cells {
        let patch = written(|out| {
            if let Some((parent, key)) = path.as_path().split_last() {
                let (stamp, value) = (*stamp, value.as_deref());
                out.group(parent);
                out.copy(CellRef { key, stamp, value });
            }
        });
        let mut out = Applied::new(&nothing, &mut quarantine, true);
        patch.cells().for_each_group(|group| {
            state.apply_group(group.parent().segments(), group, &mut out);
        });
        state.assert_invariants();
        quarantine.assert_invariants();
    }
    let cells = listed(|out| {
        state.write_cells(&mut PathBuf::new(), &nothing, out);
        quarantine.write_cells(&nothing, out);
    });
    (state, cells)
}

/// Returns the cells of a state in the order of their paths. For tests.
///
/// # Panics
///
/// If a cell cannot be written, or a path has two cells.
pub fn cells_of<S: Root>(state: &S) -> Vec<OwnCell> {
    listed(|out| state.write_cells(&mut PathBuf::new(), &VersionVector::new(), out))
}

fn listed(write: impl FnOnce(&mut CellWriter)) -> Vec<OwnCell> {
    let mut all = BTreeMap::new();
    written(write).cells().for_each(&mut |parent, cell| {
        let held = (cell.stamp, cell.value.map(<[u8]>::to_vec));
        let other = all.insert(cell.path(parent), held);
        assert!(other.is_none(), "{} has two cells", cell.path(parent));
    });
    let all = all.into_iter();
    all.map(|(path, (stamp, value))| (path, stamp, value))
        .collect()
}

fn written(write: impl FnOnce(&mut CellWriter)) -> Patch {
    match Patch::collect(Time::ZERO, write) {
        Ok(patch) => patch,
        Err(error) => panic!("cannot write the cells: {error}"),
    }
}
