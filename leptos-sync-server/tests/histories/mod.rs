//! Helpers for the tests of a log with numbered histories in a file: writers and queries.
#![allow(dead_code, reason = "each test uses a part")]

use std::collections::BTreeMap;

use futures::executor::block_on;
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path, PathBuf},
    history::{Entry, EntryHash, EntryId, IdHead, Patch, Sequence},
};
use leptos_sync_server::{DurableLog as _, Error, PushOutcome, SqliteLog};

pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

/// All cells by path.
pub(crate) type Cells = BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)>;

/// A replica id and its head, which advances with each entry.
#[derive(Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) id: u64,
    pub(crate) head: IdHead,
}

impl Writer {
    pub(crate) fn new(id: u64) -> Self {
        let head = IdHead::default();
        Self { id, head }
    }

    /// Returns the next entry, with these cards, which are all stamped `ms` after [`NOW_MS`].
    pub(crate) fn write(
        &mut self,
        ms: u64,
        cards: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>,
    ) -> Entry {
        let time = Time::from_ms(NOW_MS + ms);
        let replica = ReplicaId::new(self.id);
        let stamp = Stamp::new(time, replica);
        let cells = Patch::collect(time, |out| {
            out.group(Path::from_bytes(b"\x05cards").unwrap());
            for (key, value) in cards {
                let (key, value) = (&*key, value.as_deref());
                out.copy(CellRef { key, stamp, value });
            }
        });
        let cells = cells.unwrap();
        let number = self.head.number + 1;
        let entry = Entry {
            id: EntryId { replica, number },
            previous: self.head.hash,
            hash: EntryHash::new(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            time: if cells.is_empty() { Time::ZERO } else { time },
            cells,
            stored: None,
            user: 0,
        };
        self.head = entry.head(self.head);
        entry
    }
}

/// The key and the value of a cell. A removed one has no value.
pub(crate) type Card = (Vec<u8>, Option<Vec<u8>>);

pub(crate) fn card(key: u64, value: Option<&[u8]>) -> Card {
    (key.to_be_bytes().to_vec(), value.map(<[u8]>::to_vec))
}

pub(crate) fn push(
    log: &SqliteLog,
    document: &str,
    entries: Vec<Entry>,
) -> Result<PushOutcome, Error> {
    push_as(log, document, "ada", entries)
}

pub(crate) fn push_as(
    log: &SqliteLog,
    document: &str,
    user: &str,
    entries: Vec<Entry>,
) -> Result<PushOutcome, Error> {
    block_on(log.push(document, user, entries, NOW_MS))
}

fn take(all: &mut Cells, patch: &Patch) {
    for group in patch.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            all.insert(cell.path(group.parent()), (cell.stamp, value));
        }
    }
}

/// Returns the cells that changed after a number, page by page. `None` if it is below the horizon.
pub(crate) fn changed(log: &SqliteLog, document: &str, after: u64) -> Result<Option<Cells>, Error> {
    let (mut all, mut after) = (Cells::new(), Sequence::new(after));
    loop {
        let Some(page) = block_on(log.page(document, after, 1_000))? else {
            return Ok(None);
        };
        take(&mut all, &page.cells);
        after = page.upto;
        if after >= page.state.head() {
            return Ok(Some(all));
        }
    }
}

/// Returns all cells of a document, range by range.
pub(crate) fn cells(log: &SqliteLog, document: &str) -> Result<Cells, Error> {
    let (mut all, mut after) = (Cells::new(), None);
    loop {
        let range = block_on(log.range(document, after, 1_000))?;
        take(&mut all, &range.cells);
        after = range.upto;
        if after.is_none() {
            return Ok(all);
        }
    }
}

pub(crate) fn head(log: &SqliteLog, document: &str, id: u64) -> Result<IdHead, Error> {
    let history = block_on(log.open(document, vec![ReplicaId::new(id)]))?;
    Ok(history.heads.first().unwrap().1)
}
