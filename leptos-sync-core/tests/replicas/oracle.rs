//! What the simulation knows of every edit.

use std::{
    cell::Cell as Shared,
    collections::{BTreeMap, BTreeSet},
};

use leptos_sync_core::{
    Clock, Crdt, Error, GCounter, LwwMap, LwwRegister, MvRegister, OrSet, PnCounter, Stamp, Time,
    cells::PathBuf,
    history::{Entry, EntryHash, EntryId, Patch},
    replica::{Pending, Replica},
};
use xxhash_rust::xxh64::xxh64;

/// How often an entry may be moved to another id.
const MOVES: usize = 4;

/// The document of the simulation.
#[derive(Crdt, Clone, Default, Debug, PartialEq)]
pub(crate) struct Board {
    pub(crate) title: LwwRegister<u32>,
    pub(crate) items: LwwMap<u8, u32>,
    pub(crate) likes: GCounter,
    pub(crate) stock: PnCounter,
    pub(crate) labels: OrSet<u8>,
    pub(crate) draft: MvRegister<u32>,
}

/// The number of an edit.
pub(crate) type Uid = u32;

/// A cell: its stamp and its value, or `None` for a tombstone.
pub(crate) type Cell = (Stamp, Option<Vec<u8>>);
pub(crate) type CellsByPath = BTreeMap<PathBuf, Cell>;

pub(crate) fn cells_of<'a>(patches: impl IntoIterator<Item = &'a Patch>) -> CellsByPath {
    let mut cells = CellsByPath::new();
    for patch in patches {
        for group in patch.cells().groups() {
            for cell in group.cells() {
                let value = (cell.stamp, cell.value.map(<[u8]>::to_vec));
                join(&mut cells, cell.path(group.parent()), value);
            }
        }
    }
    cells
}

pub(crate) fn join(cells: &mut CellsByPath, path: PathBuf, cell: Cell) {
    if cells.get(&path).is_none_or(|known| *known < cell) {
        cells.insert(path, cell);
    }
}

pub(crate) fn visible(cells: &CellsByPath) -> CellsByPath {
    let live = cells.iter().filter(|(_, cell)| cell.1.is_some());
    live.map(|(path, cell)| (path.clone(), cell.clone()))
        .collect()
}

pub(crate) fn is_counter(path: &PathBuf) -> bool {
    let field = path.as_path().segments().next();
    field == Some(b"likes") || field == Some(b"stock")
}

/// Returns whether a cell belongs to the set, whose cells have no values to tell edits apart.
fn is_label(path: &PathBuf) -> bool {
    path.as_path().segments().next() == Some(b"labels")
}

/// Returns the increments in a counter's cell, each of which is another power of two.
pub(crate) fn increments(value: &[u8]) -> Vec<u32> {
    use leptos_sync_core::internal::decode;
    let sum = decode::<u64>(value).unwrap_or_else(|_| {
        let (added, taken) = decode::<(u64, u64)>(value).unwrap();
        assert_eq!(added & taken, 0, "COUNTED TWICE in one cell");
        added | taken
    });
    (0..64).filter(|bit| sum >> bit & 1 == 1).collect()
}

/// A source of random numbers: SplitMix64.
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

thread_local! {
    static IDS: Shared<u64> = const { Shared::new(0) };
}

/// Starts the source of ids and hashes of a run.
pub(crate) fn seed_ids(seed: u64) {
    IDS.set(seed ^ 0xa5a5_5a5a_1234_4321);
}

/// Returns the next id or hash of the run.
pub(crate) fn random_id() -> Result<u64, Error> {
    let mut rng = Rng(IDS.get());
    let next = rng.next();
    IDS.set(rng.0);
    Ok(next)
}

/// Creates a replica, which compares one to three cells at a time.
pub(crate) fn new_replica(clock: Clock) -> Replica<Board> {
    let mut replica = Replica::with_random(clock, random_id);
    replica.set_compared_paths(1 + random_id().unwrap() as usize % 3);
    replica
}

/// What the simulation knows.
pub(crate) struct Oracle {
    pub(crate) rng: Rng,
    /// The true time.
    pub(crate) now: i64,
    /// Whether messages are lost and edits rejected.
    pub(crate) faulty: bool,
    edits: Uid,
    /// The edit of each increment.
    pub(crate) increments: Vec<Uid>,
    /// The edit of each entry, of each cell by its value or stamp, and whether it was stored. An
    /// entry that is moved to another id gets a hash that follows from its hash.
    entries: BTreeMap<EntryHash, Uid>,
    stamps: BTreeMap<(PathBuf, Stamp), Uid>,
    pub(crate) stored: BTreeSet<Uid>,
    /// For each edit that was replaced at a relay, those that replaced it.
    pub(crate) replaced: BTreeMap<(PathBuf, Uid), BTreeSet<Uid>>,
    pub(crate) rejected: BTreeSet<Uid>,
    /// The edits that a relay has accepted by themselves.
    pub(crate) accepted: BTreeSet<Uid>,
    /// For each edit of a path, the stamps of the cells that it has replaced at its writer.
    pub(crate) seen: BTreeMap<(PathBuf, Uid), BTreeSet<Stamp>>,
    /// For each inferred removal, what it removed.
    pub(crate) inferred: BTreeMap<(PathBuf, Stamp), Option<Uid>>,
    /// Whether the relay has called an edit too old.
    pub(crate) was_old: bool,
    /// The greatest floor that a relay has told. Removals below it are not offered.
    pub(crate) floor: Time,
    pub(crate) trace: Option<Vec<String>>,
}

impl Oracle {
    pub(crate) fn new(seed: u64, traces: bool) -> Self {
        Self {
            rng: Rng(seed),
            now: 1_000,
            faulty: true,
            edits: 0,
            increments: Vec::new(),
            entries: BTreeMap::new(),
            stamps: BTreeMap::new(),
            stored: BTreeSet::new(),
            replaced: BTreeMap::new(),
            rejected: BTreeSet::new(),
            accepted: BTreeSet::new(),
            seen: BTreeMap::new(),
            inferred: BTreeMap::new(),
            was_old: false,
            floor: Time::ZERO,
            trace: traces.then(Vec::new),
        }
    }

    pub(crate) fn log(&mut self, text: impl FnOnce() -> String) {
        let now = self.now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("[{now}] {}", text()));
        }
    }

    pub(crate) fn edit(&mut self) -> Uid {
        self.edits += 1;
        self.edits
    }

    /// Notes which edit wrote an entry.
    pub(crate) fn note(&mut self, entry: &Entry, uid: Uid) {
        let mut hash = entry.hash;
        for _ in 0..MOVES {
            self.entries.insert(hash, uid);
            hash = EntryHash::new(xxh64(&hash.get().to_le_bytes(), 0).max(1));
        }
        self.note_stamps(entry);
    }

    /// Notes the stamps of an entry, which may have been restamped or moved.
    pub(crate) fn note_stamps(&mut self, entry: &Entry) {
        let uid = self.edit_of(entry);
        for (path, (stamp, value)) in cells_of([&entry.cells]) {
            if value.is_none() || is_label(&path) {
                self.stamps.insert((path, stamp), uid);
            }
        }
    }

    /// Returns the edit that wrote an entry.
    pub(crate) fn edit_of(&self, entry: &Entry) -> Uid {
        self.entries[&entry.hash]
    }

    /// Returns the stamps of the edits in an outbox.
    pub(crate) fn stamps_of(&self, entries: &[Pending]) -> Vec<(Uid, Stamp)> {
        let entries = entries.iter().map(Pending::entry);
        entries
            .map(|entry| (self.edit_of(entry), entry.stamp()))
            .collect()
    }

    /// Notes the new stamps of the entries of an outbox, and that edits which have seen one of them
    /// have seen it with its new stamp.
    pub(crate) fn note_outbox(&mut self, before: &[(Uid, Stamp)], entries: &[Pending]) {
        for one in entries {
            self.note_stamps(one.entry());
        }
        let after = self.stamps_of(entries);
        let now = |uid| after.iter().find(|(known, _)| *known == uid);
        let changed = before
            .iter()
            .filter_map(|(uid, old)| Some((old, now(*uid)?.1)));
        for (old, new) in changed.filter(|(old, new)| *old != new) {
            for (uid, _) in &after {
                let all = self.seen.iter_mut().filter(|((_, of), _)| of == uid);
                for (_, seen) in all.filter(|(_, seen)| seen.contains(old)) {
                    seen.insert(new);
                }
            }
        }
    }

    /// Returns the edits that wrote the entries of an outbox with cells.
    pub(crate) fn edits_of(&self, entries: &[Pending]) -> BTreeSet<Uid> {
        let entries = entries.iter().map(Pending::entry);
        let entries = entries.filter(|entry| !entry.cells.is_empty());
        entries.map(|entry| self.edit_of(entry)).collect()
    }

    /// Checks that edits which have left an outbox are stored or rejected.
    pub(crate) fn check_contained(&self, before: &BTreeSet<Uid>, after: &[Pending], name: &str) {
        for uid in before.difference(&self.edits_of(after)) {
            let is_safe = self.stored.contains(uid) || self.rejected.contains(uid);
            assert!(is_safe, "FALSELY CONTAINED {uid} at {name}");
        }
    }

    /// Returns the edit that wrote a cell of a register or map.
    pub(crate) fn uid(&self, path: &PathBuf, cell: &Cell) -> Option<Uid> {
        match &cell.1 {
            _ if is_counter(path) => None,
            Some(value) if !is_label(path) => leptos_sync_core::internal::decode(value).ok(),
            _ => self.stamps.get(&(path.clone(), cell.0)).copied(),
        }
    }

    /// Returns the edits whose content a cell has.
    pub(crate) fn uids(&self, path: &PathBuf, cell: &Cell) -> Vec<Uid> {
        match &cell.1 {
            Some(value) if is_counter(path) => {
                let all = increments(value).into_iter();
                all.map(|bit| self.increments[bit as usize]).collect()
            }
            _ => self.uid(path, cell).into_iter().collect(),
        }
    }

    pub(crate) fn note_stored(&mut self, path: &PathBuf, cell: &Cell) {
        let uids = self.uids(path, cell);
        self.stored.extend(uids);
    }

    pub(crate) fn note_replaced(&mut self, path: &PathBuf, winner: &Cell, loser: &Cell) {
        let (Some(lost), Some(won)) = (self.uid(path, loser), self.uid(path, winner)) else {
            return;
        };
        if lost == won {
            // The same edit, restamped.
            return;
        }
        // The entries of one id are stored in order, so only those of others can be out of order.
        let key = (path.clone(), lost);
        let seen = self
            .seen
            .get(&key)
            .is_some_and(|seen| seen.contains(&winner.0));
        let is_wrong = seen && winner.0.replica != loser.0.replica;
        assert!(
            !is_wrong,
            "LOST TO WHAT IT REPLACED {lost} at {path:?}: {winner:?}"
        );
        self.replaced.entry(key).or_default().insert(won);
    }

    pub(crate) fn is_replaced(&self, path: &PathBuf, uid: Option<Uid>) -> bool {
        uid.is_some_and(|uid| self.replaced.contains_key(&(path.clone(), uid)))
    }

    /// Notes a removal that a replica inferred at a relay's cell.
    pub(crate) fn note_inferred(&mut self, path: &PathBuf, stamp: Stamp, of: &Cell) {
        let of = self.uid(path, of);
        self.inferred.insert((path.clone(), stamp), of);
        let uid = self.edit();
        self.stamps.entry((path.clone(), stamp)).or_insert(uid);
    }
}
