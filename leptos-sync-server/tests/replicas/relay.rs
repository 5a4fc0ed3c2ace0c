//! A relay with a log in memory, which tells the oracle what it stores.

use std::sync::Arc;

use futures::executor::block_on;
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, PathBuf},
    clock::Window,
    history::{
        CellRange, Entry, Epochs, IdHead, Opened, Opening, Page, Patch, RelayState, Sequence,
        Witness,
    },
    sync::Reason,
};
use leptos_sync_server::{
    DurableLog as _, EntryAnswer, HeadsOutcome, JoinOutcome, MemoryLog, PushAnswer, SealKey,
    StoredDocument,
};

use super::oracle::{Cell, CellsByPath, Oracle, cells_of};

const RETENTION: i64 = 60;
/// The milliseconds of a unit of the simulation's time.
pub(crate) const UNIT_MS: i64 = 1_000;
/// The time at which the simulation starts.
const START_MS: i64 = 1_700_000_000_000;
/// The most by which the relay's clock is late.
const LATE: i64 = 40;
/// A page has few cells, so that reading takes several.
const PAGE_BYTES: usize = 50;

const KEY: SealKey = SealKey::new([5; 16]);
const DOCUMENT: &str = "board";

pub(crate) fn ms(units: i64) -> u64 {
    (START_MS + units * UNIT_MS).max(0) as u64
}

/// What a backup holds.
pub(crate) struct Db {
    log: Arc<MemoryLog>,
    pub(crate) sequence: u64,
}

impl Clone for Db {
    fn clone(&self) -> Self {
        Self {
            log: Arc::new(self.log.fork().unwrap()),
            sequence: self.sequence,
        }
    }
}

pub(crate) struct Relay {
    pub(crate) db: Db,
    /// The number of the present epoch.
    pub(crate) epoch: u64,
    /// The number of the epoch that the log has begun.
    begun: u64,
    pub(crate) skew: i64,
    /// The changes since the start, for live clients.
    pages: Vec<Page>,
}

impl Relay {
    pub(crate) fn new() -> Self {
        let log = Arc::new(MemoryLog::new().unwrap());
        Self {
            db: Db { log, sequence: 0 },
            epoch: 1,
            begun: 1,
            skew: 0,
            pages: Vec::new(),
        }
    }

    fn now_ms(&self, oracle: &Oracle) -> u64 {
        ms(oracle.now + self.skew)
    }

    fn document(&self) -> StoredDocument {
        let log = Arc::clone(&self.db.log);
        StoredDocument::new(log, KEY, DOCUMENT).page_bytes(PAGE_BYTES)
    }

    /// Returns the document for a change, which belongs to the present epoch.
    fn changed(&mut self) -> StoredDocument {
        if self.begun != self.epoch {
            self.begun = self.epoch;
            self.db.log.new_epoch().unwrap();
            self.pages.clear();
        }
        self.document()
    }

    pub(crate) fn cells(&self) -> CellsByPath {
        let (mut all, mut after) = (CellsByPath::new(), None);
        loop {
            let range = block_on(self.document().range(after)).unwrap();
            all.extend(cells_of([&range.cells]));
            after = range.upto;
            if after.is_none() {
                return all;
            }
        }
    }

    pub(crate) fn head(&self) -> Sequence {
        Sequence::new(self.db.sequence)
    }

    /// Forgets tombstones that are older than the retention. A tombstone may have been received
    /// while the clock was late.
    pub(crate) fn forget(&mut self, oracle: &Oracle) {
        let (before, received) = (ms(oracle.now - RETENTION), oracle.now - RETENTION - LATE);
        let forgotten = self
            .db
            .log
            .forget(DOCUMENT, Time::from_ms(before), ms(received));
        block_on(forgotten).unwrap();
    }

    pub(crate) fn open(
        &self,
        opening: &Opening,
        epochs: Option<&Epochs>,
        oracle: &Oracle,
    ) -> Option<Opened> {
        let now_ms = self.now_ms(oracle);
        block_on(self.document().open(opening, epochs, now_ms)).unwrap()
    }

    pub(crate) fn range(&self, after: Option<PathBuf>) -> CellRange {
        block_on(self.document().range(after)).unwrap()
    }

    /// Returns the page after a number: the one that was made when it was stored, if there is one.
    pub(crate) fn live(&self, after: Sequence) -> Option<Page> {
        let made = self.pages.iter().find(|page| page.after == after);
        made.cloned().or_else(|| self.read(after))
    }

    pub(crate) fn read(&self, after: Sequence) -> Option<Page> {
        block_on(self.document().read(after)).unwrap()
    }

    /// `witnesses` are those of the opening and of the offer.
    pub(crate) fn offer(
        &mut self,
        user: &str,
        witnesses: &[Witness; 2],
        cells: Patch,
        oracle: &mut Oracle,
    ) -> JoinOutcome {
        let (now_ms, before) = (self.now_ms(oracle), self.cells());
        let offered = cells_of([&cells]);
        let answer = block_on(self.changed().offer(user, witnesses, cells, now_ms));
        let (answer, pages) = answer.unwrap();
        self.stored(answer.state, pages);
        let after = self.cells();
        for (path, cell) in offered {
            if after.get(&path) == Some(&cell) && before.get(&path) != Some(&cell) {
                note(&before, &path, &cell, oracle);
            }
        }
        answer
    }

    /// A user who may write offers a removal under the id of another one, although the relay has
    /// lost nothing. It does not take it.
    pub(crate) fn lie(&mut self, oracle: &mut Oracle) {
        let mut witness = self
            .open(&Opening::default(), None, oracle)
            .unwrap()
            .state
            .witness;
        if oracle.rng.chance(30) {
            witness.head.sequence = witness.head.sequence.next();
        }
        let cells = self.cells();
        let ids = cells.values().map(|(stamp, _)| stamp.replica).collect();
        let known = block_on(self.db.log.open(DOCUMENT, ids)).unwrap().heads;
        let is_bound = |(_, head): &&(ReplicaId, IdHead)| head.number > 0;
        let Some((id, _)) = known.iter().find(is_bound) else {
            return;
        };
        let (path, (stamp, _)) = cells
            .iter()
            .find(|(_, cell)| cell.0.replica == *id)
            .unwrap();
        let stamp = Stamp::new(Time::new(stamp.time.get() + 1), *id);
        let (parent, key) = path.as_path().split_last().unwrap();
        let removal = Patch::collect(stamp.time, |out| {
            out.group(parent);
            out.copy(CellRef {
                key,
                stamp,
                value: None,
            });
        });
        let now_ms = self.now_ms(oracle);
        let (document, witnesses) = (self.document(), [witness; 2]);
        let offered = document.offer("eve", &witnesses, removal.unwrap(), now_ms);
        let (offered, _) = block_on(offered).unwrap();
        assert!(!offered.all && offered.taken.is_none(), "FORGED {path:?}");
    }

    pub(crate) fn adopt(&mut self, user: &str, heads: Vec<(ReplicaId, IdHead)>) -> HeadsOutcome {
        let answer = block_on(self.changed().adopt(user, heads));
        let (answer, pages) = answer.unwrap();
        self.stored(answer.state, pages);
        answer
    }

    /// Stores the next of some entries, and the ones that the log takes with it.
    pub(crate) fn push(
        &mut self,
        user: &str,
        entries: &mut Vec<Entry>,
        oracle: &mut Oracle,
    ) -> PushAnswer {
        let (now_ms, mut before) = (self.now_ms(oracle), self.cells());
        let sent = entries.clone();
        let answer = block_on(self.changed().push(user, entries, now_ms)).unwrap();
        for one in &answer.answers {
            match one {
                EntryAnswer::Ack(ack) => {
                    for entry in sent.iter().filter(|entry| ack.sequence(entry).is_some()) {
                        if !entry.cells.is_empty() {
                            oracle.accepted.insert(oracle.edit_of(entry));
                        }
                        for (path, cell) in cells_of([&entry.cells]) {
                            note(&before, &path, &cell, oracle);
                            super::oracle::join(&mut before, path, cell);
                        }
                    }
                    self.db.sequence = ack.state.head().get();
                }
                EntryAnswer::Reject { reason, .. } => oracle.was_old |= *reason == Reason::TooOld,
                EntryAnswer::Gap(..) => {}
            }
        }
        self.pages.extend(answer.pages.iter().cloned());
        answer
    }

    /// Returns whether an entry follows the head of its id, so that it may be rejected for another
    /// reason.
    pub(crate) fn follows(&self, entry: &Entry) -> bool {
        let id = entry.id.replica;
        let history = block_on(self.db.log.open(DOCUMENT, vec![id])).unwrap();
        let head = history.heads[0].1;
        (head.number + 1, head.hash) == (entry.id.number, entry.previous)
    }

    /// Returns the times that the relay accepts.
    pub(crate) fn window(&self, oracle: &Oracle) -> Window {
        let history = block_on(self.db.log.open(DOCUMENT, Vec::new())).unwrap();
        Window {
            floor: history.floor,
            now_ms: self.now_ms(oracle),
            latest: history.state.witness.latest,
        }
    }

    fn stored(&mut self, state: RelayState, pages: Vec<Page>) {
        self.db.sequence = state.head().get();
        self.pages.extend(pages);
    }
}

/// Tells the oracle that a cell was joined.
fn note(before: &CellsByPath, path: &PathBuf, cell: &Cell, oracle: &mut Oracle) {
    oracle.note_stored(path, cell);
    match before.get(path) {
        Some(known) if known > cell => oracle.note_replaced(path, known, cell),
        Some(known) if known < cell => oracle.note_replaced(path, cell, known),
        _ => {}
    }
}
