//! Helpers for the tests of a log in a file: documents with known contents, and queries.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;

use futures::executor::block_on;
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path, PathBuf},
    history::{Entry, EntryHash, EntryId, Patch, Sequence},
};
use leptos_sync_server::{DurableLog, Error, Pushed, SqliteLog};

/// All cells by path.
pub(crate) type Cells = BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)>;

/// The user who writes.
pub(crate) const USER: &str = "ada";

/// Returns an entry of a writer, with cells that are all stamped `time`. The hash of each entry is
/// its number.
pub(crate) fn entry(
    replica: u64,
    number: u64,
    time: u64,
    cells: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
) -> Entry {
    let (replica, time) = (ReplicaId::new(replica), Time::new(time));
    let stamp = Stamp::new(time, replica);
    let cells = Patch::collect(time, |out| {
        out.group(Path::from_bytes(b"\x05cards").unwrap());
        for (key, value) in cells {
            let (key, value) = (&*key, value.as_deref());
            out.copy(CellRef { key, stamp, value });
        }
    });
    Entry {
        id: EntryId { replica, number },
        previous: EntryHash::new(number - 1),
        hash: EntryHash::new(number),
        time,
        cells: cells.unwrap(),
        stored: None,
    }
}

/// Stores an entry, at its own time.
pub(crate) fn push(log: &SqliteLog, document: &str, entry: Entry) -> Result<Pushed, Error> {
    let now_ms = entry.time.ms();
    let pushed = block_on(log.push(document, USER, vec![entry], now_ms))?;
    assert_eq!((pushed.count, pushed.refusal), (1, None));
    Ok(pushed)
}

/// Returns all cells of a document.
pub(crate) fn cells(log: &SqliteLog, document: &str) -> Result<Cells, Error> {
    let (mut all, mut after) = (Cells::new(), None);
    loop {
        let range = block_on(log.range(document, after, 4_000))?;
        take(&mut all, &range.cells);
        after = range.upto;
        if after.is_none() {
            return Ok(all);
        }
    }
}

/// Returns the cells that changed after a number.
pub(crate) fn cells_after(log: &SqliteLog, document: &str, after: u64) -> Result<Cells, Error> {
    let (mut all, mut after) = (Cells::new(), Sequence::new(after));
    loop {
        let page = block_on(log.page(document, after, 4_000))?.unwrap();
        take(&mut all, &page.cells);
        after = page.upto;
        if after == page.state.head() {
            return Ok(all);
        }
    }
}

fn take(all: &mut Cells, cells: &Patch) {
    for group in cells.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            all.insert(cell.path(group.parent()), (cell.stamp, value));
        }
    }
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
