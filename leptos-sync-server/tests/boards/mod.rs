//! Helpers for the tests of a log in a file: documents with known contents, and queries.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;

use futures::executor::block_on;
use leptos_sync_core::{
    Delta, ReplicaId, Stamp, Time, VersionVector,
    cells::{CellRef, Path, PathBuf},
};
use leptos_sync_server::{DurableLog, Error, Since, SqliteLog};

/// All cells by path.
pub(crate) type Cells = BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)>;

/// Returns a delta that follows `after`, with cells of one replica that are all stamped `time`.
pub(crate) fn delta(
    replica: u64,
    after: u64,
    time: u64,
    cells: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
) -> Delta {
    let replica = ReplicaId::new(replica);
    let version = |time| VersionVector::of(replica, Time::new(time));
    let stamp = Stamp::new(Time::new(time), replica);
    Delta::collect(version(after), version(time), |out| {
        out.group(Path::from_bytes(b"\x05cards").unwrap());
        for (key, value) in cells {
            let (key, value) = (&*key, value.as_deref());
            out.copy(CellRef { key, stamp, value });
        }
    })
    .unwrap()
}

pub(crate) fn append(log: &SqliteLog, document: &str, delta: Delta) -> Result<(), Error> {
    block_on(log.append(document, vec![delta]))
}

/// Returns all cells of a document.
pub(crate) fn cells(log: &SqliteLog, document: &str) -> Result<Cells, Error> {
    cells_since(log, document, &VersionVector::new())
}

/// Returns the cells that a replica at `version` lacks.
pub(crate) fn cells_since(
    log: &SqliteLog,
    document: &str,
    version: &VersionVector,
) -> Result<Cells, Error> {
    let since = block_on(log.since(document, version, 4_000))?;
    let mut all = Cells::new();
    let mut take = |cells: leptos_sync_core::cells::Cells<'_>| {
        for group in cells.groups() {
            for cell in group.cells() {
                let value = cell.value.map(<[u8]>::to_vec);
                all.insert(cell.path(group.parent()), (cell.stamp, value));
            }
        }
    };
    match &since {
        Since::Delta(parts) => parts.iter().for_each(|part| take(part.cells())),
        Since::Snapshot(parts) => parts.iter().for_each(|part| take(part.cells())),
    }
    Ok(all)
}

/// A xorshift generator (Marsaglia, 2003), which returns the same numbers on every platform.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Returns the number in an environment variable, or the default.
pub(crate) fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |set| set.parse().unwrap())
}
