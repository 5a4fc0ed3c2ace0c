//! The memory and storage of removed entries.
//!
//! This file has a single test, since the allocator counts the memory of all threads.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and a measurement is printed"
)]

mod common;

use std::collections::BTreeMap;

use common::{clock, now};
use leptos_sync_core::{
    Crdt, LwwMap, ReplicaId, Stamp, Time,
    cells::{CellRef, PathBuf},
    engine::ReplicaStore,
    history::Patch,
    internal::encode_key,
    replica::Replica,
    storage::{MemoryStorage, Storage},
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const BATCHES: u64 = 41;
const BATCH: u32 = 1_000;
const TOMBSTONES: usize = 2 * BATCHES as usize * BATCH as usize;

/// A list of todos.
#[derive(Crdt, Clone, Default)]
struct Todos {
    titles: LwwMap<(Stamp, u32), String>,
    done: LwwMap<(Stamp, u32), bool>,
}

fn added(batch: u64) -> Stamp {
    stamp(60 * batch)
}

fn stamp(seconds: u64) -> Stamp {
    Stamp::new(
        Time::from_ms(1_800_000_000_000 + 1_000 * seconds),
        ReplicaId::new(0x1234_5678_9abc_def0),
    )
}

/// Returns the cells of a batch of todos, with a value or without.
fn todos(batch: u64, stamp: Stamp, is_there: bool) -> Patch {
    let patch = Patch::collect(stamp.time, |out| {
        for (map, value) in [("titles", &b"milk"[..]), ("done", &[0xfd])] {
            let value = is_there.then_some(value);
            out.group(PathBuf::new().child(map.as_bytes()).as_path());
            for number in 0..BATCH {
                let mut key = Vec::new();
                encode_key(&(added(batch), number), &mut key).unwrap();
                let key = key.as_slice();
                out.copy(CellRef { key, stamp, value });
            }
        }
    });
    patch.unwrap()
}

/// Stores the document as a whole. Returns the bytes of its base.
fn store(memory: &MemoryStorage, replica: &mut Replica<Todos>) -> usize {
    let mut store = ReplicaStore::new(memory.clone(), "todos").unwrap();
    drop(now(store.load::<Todos>(clock(1))).unwrap());
    let write = store.compact(replica).unwrap();
    assert!(now(memory.commit_if(write.expected, write.batch)).unwrap());
    store.committed(replica);
    let records = now(memory.scan_prefix(store.prefix())).unwrap();
    records
        .iter()
        .map(|(key, value)| key.len() + value.len())
        .sum()
}

/// Returns the cells of the base.
fn cells(replica: &Replica<Todos>) -> BTreeMap<PathBuf, (Stamp, bool)> {
    let mut cells = BTreeMap::new();
    for patch in replica.base_parts(1 << 16).unwrap() {
        for group in patch.cells().groups() {
            for cell in group.cells() {
                let found = (cell.stamp, cell.value.is_some());
                let known = cells.entry(cell.path(group.parent())).or_default();
                *known = found.max(*known);
            }
        }
    }
    cells
}

/// Loads the document. Returns its bytes in memory too.
fn load(memory: &MemoryStorage) -> (Replica<Todos>, usize) {
    let before = MEMORY.current_usage();
    let mut store = ReplicaStore::new(memory.clone(), "todos").unwrap();
    let loaded = now(store.load::<Todos>(clock(2))).unwrap();
    assert!(loaded.damage.is_empty(), "{:?}", loaded.damage);
    drop(store);
    (loaded.replica, MEMORY.current_usage() - before)
}

#[test]
fn removed_todos_take_a_few_bytes_in_memory_and_in_the_storage_until_they_are_forgotten() {
    let memory = MemoryStorage::new();
    let before = MEMORY.current_usage();
    let mut replica = Replica::<Todos>::new(clock(1));
    for batch in 0..BATCHES {
        replica.load_base(&todos(batch, stamp(60 * batch + 30), false));
        replica.pack_tombstones(512);
    }
    let in_memory = MEMORY.current_usage() - before;
    let stored = store(&memory, &mut replica);
    let each = |bytes: usize| bytes as f64 / TOMBSTONES as f64;
    eprintln!(
        "{TOMBSTONES} tombstones: {:.1} B in memory, {:.1} B stored each",
        each(in_memory),
        each(stored)
    );
    assert!(each(in_memory) < 24.0, "{in_memory}");
    assert!(each(stored) < 6.0, "{stored}");

    let (mut replica, loaded_bytes) = load(&memory);
    eprintln!("{:.1} B in memory each, after a reload", each(loaded_bytes));
    assert!(each(loaded_bytes) < 6.0, "{loaded_bytes}");
    // An older edit of another device revives no todo.
    replica.load_base(&todos(3, stamp(100), true));
    assert!(replica.doc().state().titles.is_empty());
    // A later one does.
    replica.load_base(&todos(3, stamp(10_000), true));
    assert_eq!(replica.doc().state().titles.len(), BATCH as usize);
    replica.load_base(&todos(3, stamp(20_000), false));

    // The document has packed tombstones and others.
    let before = cells(&replica);
    assert_eq!(before.len(), TOMBSTONES);
    store(&memory, &mut replica);
    assert!(
        cells(&load(&memory).0) == before,
        "the storage has all of them"
    );

    replica.forget_local_tombstones();
    let memory = MemoryStorage::new();
    let stored = store(&memory, &mut replica);
    assert!(stored < 200, "{stored}");
    drop(replica);
    let (loaded, loaded_bytes) = load(&memory);
    assert!(loaded.doc().state().titles.is_empty());
    assert!(loaded_bytes < 1_000, "{loaded_bytes}");
}
