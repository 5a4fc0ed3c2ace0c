//! Exporting and importing a collection takes memory independent of its size.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{
    clock,
    notes::{NoteFields, Notes, open},
    now,
};
use leptos_sync_core::{
    index::{Query, Schema},
    storage::{MemoryStorage, Scan, Storage},
};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LIMIT: usize = 32 * 1024 * 1024;

/// Returns the number of records. A million takes minutes without optimization.
fn records() -> u32 {
    std::env::var("LEPTOS_SYNC_RECORDS").map_or(40_000, |count| count.parse().unwrap())
}

/// Returns the peak memory of `work` minus the memory that is still in use afterwards.
fn beyond_the_store(work: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    work();
    let (peak, after) = (MEMORY.peak_usage(), MEMORY.current_usage());
    peak.saturating_sub(after)
}

#[test]
fn export_and_import_take_at_most_32_mib() {
    let count = records();
    let source = open(MemoryStorage::new(), 1);
    let mut next = 0;
    while next < count {
        let chunk = next..count.min(next + 2000);
        next = chunk.end;
        let rows = chunk.map(|n| (format!("{n:07}"), n));
        now(source.insert_batch(rows, |note, n| {
            note.title().set(format!("note number {n} of many"));
            note.stars().set(*n as u8);
        }))
        .unwrap();
    }
    let target = now(Notes::open(
        MemoryStorage::new(),
        "notes",
        Schema::new(1),
        clock(2),
    ))
    .unwrap();
    let mut export = now(source.export()).unwrap();
    let (mut out, mut largest) = (0, 0);
    let needed = beyond_the_store(|| {
        while let Some(chunk) = now(source.export_chunk(&mut export)).unwrap() {
            out += chunk.len();
            largest = chunk.len().max(largest);
            now(target.import_chunk(&chunk)).unwrap();
        }
    });
    assert_eq!(export.records(), u64::from(count));
    assert_eq!(target.version(), source.version());
    let last = now(target.query(Query::all().reverse().limit(1)))
        .unwrap()
        .records;
    assert_eq!(
        last.first().map(|(key, _)| key.clone()),
        Some(format!("{:07}", count - 1))
    );
    println!(
        "{count} records: {} chunks of at most {largest} bytes, {out} bytes in all; {needed} bytes of memory beyond the stores",
        export.chunks()
    );
    assert!(needed < LIMIT, "{needed} bytes beyond the store");

    // Building a new index takes no more memory.
    let stored = now(target.storage().scan(Scan::all().limit(1))).unwrap();
    assert_eq!(stored.len(), 1);
    let store = target.storage().clone();
    drop(target);
    let by_stars = common::notes::by_stars();
    let schema = Schema::new(2).index(&by_stars);
    let target = now(Notes::open(store, "notes", schema, clock(2))).unwrap();
    let needed = beyond_the_store(|| now(target.build(|_| {})).unwrap());
    assert!(needed < LIMIT, "{needed} bytes beyond the store");
    let found = now(target.query(by_stars.equals(&7_u8).limit(1000))).unwrap();
    assert!(!found.records.is_empty());
}
