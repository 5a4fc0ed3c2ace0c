//! What a transaction allocates once a document has everything that it writes to.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::doc;
use leptos_sync_core::{Crdt, Doc, GCounter, LwwMap, LwwRegister};

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

/// Allocations of the second of two transactions that write the same number of cards.
fn allocations_of(cards: u32) -> u64 {
    let mut doc = board();
    let mut counted = 0;
    for text in ["milk", "bread"] {
        let cards: Vec<_> = (0..cards).map(|n| (n, text.to_owned())).collect();
        let info = allocation_counter::measure(|| {
            doc.transact(|tx| tx.cards().insert_batch(cards)).unwrap();
        });
        counted = info.count_total;
    }
    counted
}

#[test]
fn a_cell_that_is_written_costs_no_allocation_of_its_own() {
    let (few, many) = (allocations_of(100), allocations_of(400));
    // Room that doubles twice, in each of the lists that are handed out.
    assert!(many <= few + 2 * 4, "{few} for 100, {many} for 400");
}
