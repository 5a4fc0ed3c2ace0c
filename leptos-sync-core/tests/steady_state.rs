//! In steady state, a transaction allocates nothing.
//!
//! This file has a single test, since the documents of a process share a pool of buffers.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::doc;
use leptos_sync_core::{Crdt, Doc, GCounter, LwwMap, LwwRegister, Tx, internal::BufferPool};

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
}

fn board() -> Doc<Board> {
    let mut doc = doc::<Board>(1);
    doc.transact(|tx| {
        let cards = (0..5_000).map(|n| (n, n.to_string()));
        tx.cards().insert_batch(cards);
        tx.moves().increment(1);
        tx.title().set("Groceries".to_owned());
    })
    .unwrap();
    doc
}

/// Returns the number of allocations for a transaction, its delta and its frame, after some similar
/// transactions.
fn allocations_of<V>(values: impl Fn() -> V, edit: impl Fn(&mut Tx<'_, Board>, V)) -> u64 {
    let mut doc = board();
    let mut frame = Vec::new();
    let mut counted = 0;
    for _ in 0..4 {
        let values = values();
        let info = allocation_counter::measure(|| {
            let done = doc.transact(|tx| edit(tx, values)).unwrap();
            frame.clear();
            done.delta.encode_into(&mut frame);
            assert!(!done.changes.is_empty());
        });
        counted = info.count_total;
    }
    doc.assert_invariants();
    counted
}

fn cards(count: u32) -> Vec<(u32, String)> {
    (0..count).map(|n| (n, "milk".to_owned())).collect()
}

#[test]
fn in_steady_state_a_transaction_its_delta_and_its_frame_allocate_nothing() {
    let title = || "Shopping".to_owned();
    assert_eq!(allocations_of(title, |tx, title| tx.title().set(title)), 0);
    assert_eq!(allocations_of(|| 3, |tx, by| tx.moves().increment(by)), 0);
    for count in [1, 10, 50] {
        let insert = |tx: &mut Tx<'_, Board>, cards| tx.cards().insert_batch(cards);
        assert_eq!(allocations_of(|| cards(count), insert), 0, "{count} cards");
    }
    // Compression allocates the compressor, and buffers beyond the document's limit are allocated
    // again. But there is no allocation per cell.
    let insert = |tx: &mut Tx<'_, Board>, cards| tx.cards().insert_batch(cards);
    let many = allocations_of(|| cards(3_000), insert);
    assert!(many < 100, "{many} for 3,000 cards");
    let stats = BufferPool::shared().stats();
    assert_eq!(stats.outstanding(), 0, "{stats:?}");
    assert!(stats.taken > 3 * stats.made, "{stats:?}");
}
