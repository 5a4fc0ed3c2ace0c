//! The memory of one writer's data is little more than the data.
//!
//! This file has a single test, since the allocator counts the memory of all threads.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{clock, doc};
use leptos_sync_core::{Doc, LwwMap, Snapshot};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

type Numbers = LwwMap<u32, u32>;

/// Returns the value that `make` creates, and the number of bytes that it takes on the heap.
fn held<T>(make: impl FnOnce() -> T) -> (T, usize) {
    let before = MEMORY.current_usage();
    let made = make();
    (made, MEMORY.current_usage() - before)
}

fn encoded(entries: u32) -> Vec<u8> {
    let mut doc = doc::<Numbers>(1);
    doc.transact(|tx| tx.insert_batch((0..entries).map(|n| (n, n))))
        .unwrap();
    doc.snapshot().unwrap().encode_uncompressed()
}

#[test]
fn data_written_by_one_replica_at_once_needs_no_versions_tables_or_links() {
    let bytes = encoded(1);
    let (snapshot, held_by_snapshot) = held(|| Snapshot::decode(&bytes).unwrap());
    assert!(held_by_snapshot < bytes.len(), "{held_by_snapshot}");

    let clock = clock(2);
    let (mut small, held_by_doc) = held(|| Doc::<Numbers>::load(&snapshot, clock.clone()));
    let counts = 2 * size_of::<usize>();
    let entry = size_of::<(u32, Option<u32>, [u64; 2])>();
    assert_eq!(held_by_doc, counts + size_of::<Numbers>() + entry);
    small.transact(|tx| tx.insert(0, 1)).unwrap();
    assert_eq!(small.state().get(&0), Some(&1));

    // The first write by another replica, or to an older entry, creates the links: eight bytes per
    // entry.
    let snapshot = Snapshot::decode(&encoded(10_000)).unwrap();
    let mut large = Doc::<Numbers>::load(&snapshot, clock);
    let (_, held_by_links) = held(|| large.transact(|tx| tx.insert(0, 1)).map(drop));
    assert!((80_000..90_000).contains(&held_by_links), "{held_by_links}");
    large.assert_invariants();
}
