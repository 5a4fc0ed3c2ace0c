//! Queries against a log, with results in a form that the laws can compare.

use std::collections::BTreeMap;

use leptos_sync_core::{
    Delta, Snapshot, Stamp, VersionVector,
    cells::{Cells, PathBuf},
};

use crate::{DocumentState, DurableLog, Error, Since};

/// All cells by path.
pub(super) type CellsByPath = BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)>;

pub(super) fn cells_of(cells: Cells<'_>) -> CellsByPath {
    let mut all = CellsByPath::new();
    for group in cells.groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            let twice = all.insert(cell.path(group.parent()), (cell.stamp, value));
            assert!(twice.is_none(), "each path has one cell");
        }
    }
    all
}

/// An answer that was reassembled from its parts.
pub(super) enum Whole {
    Delta(Delta),
    Snapshot(Snapshot),
}

impl Whole {
    pub(super) fn cells(&self) -> CellsByPath {
        match self {
            Self::Delta(delta) => cells_of(delta.cells()),
            Self::Snapshot(snapshot) => cells_of(snapshot.cells()),
        }
    }
}

/// Returns the reassembled operations that a replica at `version` lacks. Encodes and decodes every
/// part once.
pub(super) async fn since(
    log: &dyn DurableLog,
    document: &str,
    version: &VersionVector,
    bytes: usize,
) -> Whole {
    match succeeds(log.since(document, version, bytes).await, "since") {
        Since::Delta(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| sent(&part.encode())).collect();
            let [first, ..] = &*parts else {
                panic!("an answer has at least one part");
            };
            let (after, upto) = (first.after().clone(), first.upto().clone());
            let versions = |part: &Delta| (part.after().clone(), part.upto().clone());
            for part in &parts {
                assert_eq!(
                    versions(part),
                    versions(first),
                    "every part carries the versions of the whole"
                );
            }
            let cells = parts.iter().map(Delta::cells);
            Whole::Delta(Delta::collect(after, upto, |out| copy(cells, out)).expect(COLLECTED))
        }
        Since::Snapshot(parts) => {
            let [first, ..] = &*parts else {
                panic!("an answer has at least one part");
            };
            let (version, horizon) = (first.version().clone(), first.horizon().clone());
            for part in &parts {
                let versions = (part.version(), part.horizon());
                assert_eq!(
                    versions,
                    (&version, &horizon),
                    "every part carries the versions of the whole"
                );
            }
            let cells = parts.iter().map(Snapshot::cells);
            let whole = Snapshot::collect(version, horizon, |out| copy(cells, out));
            Whole::Snapshot(whole.expect(COLLECTED))
        }
    }
}

const COLLECTED: &str = "the reassembled parts are within the limits";

fn sent(bytes: &[u8]) -> Delta {
    Delta::decode(bytes).expect("a log returns deltas that decode")
}

fn copy<'a>(parts: impl Iterator<Item = Cells<'a>>, out: &mut leptos_sync_core::cells::CellWriter) {
    for group in parts.flat_map(Cells::groups) {
        out.group(group.parent());
        group.cells().for_each(|cell| out.copy(cell));
    }
}

/// Returns all cells of a document.
pub(super) async fn cells(log: &dyn DurableLog, document: &str) -> CellsByPath {
    since(log, document, &VersionVector::new(), 64 * 1024)
        .await
        .cells()
}

pub(super) async fn state(log: &dyn DurableLog, document: &str) -> DocumentState {
    succeeds(log.state(document).await, "state")
}

pub(super) async fn append(log: &dyn DurableLog, document: &str, deltas: &[&Delta]) {
    let deltas = deltas.iter().map(|&delta| delta.clone()).collect();
    succeeds(log.append(document, deltas).await, "append");
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
