//! The memory that an export and an import take in addition to the document. This file has a single
//! test, since the allocator counts the memory of all threads.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]
#![allow(clippy::print_stdout, reason = "the test prints its measurements")]

mod common;

use common::doc;
use leptos_sync_core::{Import, LwwMap, limits};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Returns the output of `work`, its peak memory beyond the memory in use before, and the memory
/// that is still in use afterwards.
fn held<T>(work: impl FnOnce() -> T) -> (T, usize, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = work();
    let peak = MEMORY.peak_usage().saturating_sub(before);
    (result, peak, MEMORY.current_usage().saturating_sub(before))
}

#[test]
fn an_export_holds_its_encoded_cells_and_each_step_a_few_chunks() {
    // For example, LEPTOS_SYNC_ENTRIES=1000000.
    let entries = std::env::var("LEPTOS_SYNC_ENTRIES");
    let entries: u32 = entries.map_or(200_000, |entries| entries.parse().unwrap());
    let (ada, _, document) = held(|| {
        let mut ada = doc::<LwwMap<u32, String>>(1);
        for start in (0..entries).step_by(10_000) {
            let cards = (start..start + 10_000).map(|key| (key, format!("card number {key}")));
            ada.transact(|tx| tx.insert_batch(cards)).unwrap();
        }
        ada
    });
    let (export, peak, left) = held(|| ada.export().unwrap());
    let cells = export.bytes();
    println!("document {document}, cells {cells}: export holds {peak} at most, then {left}");
    assert!(left < cells * 3 / 2, "{left} for {cells} bytes of cells");
    assert!(peak < cells * 3 / 2, "{peak} for {cells} bytes of cells");
    assert!(left < document / 3, "{left} for a document of {document}");

    let mut bob = doc::<LwwMap<u32, String>>(2);
    let mut import = Import::new();
    let (mut out, mut back) = (0, Vec::new());
    for index in 0..export.chunks() {
        let (chunk, peak, _) = held(|| export.chunk(index).unwrap());
        out = out.max(peak);
        let (_, peak, grown) = held(|| bob.import(&mut import, &chunk).unwrap());
        back.push(peak.saturating_sub(grown));
    }
    // Some chunks make the document's tables grow; then the old and the new tables exist briefly at
    // the same time.
    back.sort_unstable();
    let back = back.get(back.len() / 2).copied().unwrap_or_default();
    println!(
        "at most {out} bytes to create a chunk, usually {back} to import one, beside what stays"
    );
    assert!(out < 8 * limits::CHUNK_BYTES, "{out}");
    assert!(back < 8 * limits::CHUNK_BYTES, "{back}");
    assert!(import.is_complete());
    assert_eq!(bob.state(), ada.state());
}
