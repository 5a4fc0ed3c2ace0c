//! A document that is larger than anything that a client may receive at once.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{Board, BoardFields, ByName, Handle, Session, serve_relay};
use leptos_sync_core::{
    Clock, ReplicaId,
    clock::{SystemTime, TimeSource as _},
    history::Sequence,
    replica::Replica,
};
use leptos_sync_server::{DurableLog as _, Relay, RelayOptions, SqliteLog};

/// The cards of the document, and the bytes of each: 67 MB in all.
const CARDS: u32 = 270;
const BYTES: usize = 250_000;

fn cards(handle: &Handle) -> usize {
    handle.state().replica.doc().state().cards.len()
}

#[tokio::test]
async fn a_new_device_reads_a_large_document_in_parts_and_claims_only_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(dir.path().join("relay.db")).unwrap();
    let mut ada = Replica::<Board>::new(Clock::system(ReplicaId::new(1)));
    for card in 0..CARDS {
        let written = ada.transact(|tx| tx.cards().insert(card, "y".repeat(BYTES)));
        let entries = vec![written.unwrap().entry.unwrap()];
        let pushed = log.push("board", "ada", entries, SystemTime.now_ms()).await;
        assert!(pushed.unwrap().refusal.is_none());
    }
    let relay = Relay::with_options(log, ByName, RelayOptions::default());
    let (address, _) = serve_relay(&relay).await;

    let bob = Handle::new();
    let mut connections = 0;
    let mut position = Sequence::ZERO;
    while cards(&bob) < CARDS as usize {
        // The connection breaks again and again, and the device goes on where it was.
        let enough = cards(&bob) + 100;
        let mut at_bob = Session::open(address, "bob", "board", &bob).await;
        at_bob
            .until("more cards", |bob| {
                let cards = cards(bob);
                let is_synced = bob.state().replica.is_synced();
                assert!(!is_synced || cards == CARDS as usize, "{cards} cards");
                is_synced || (cards >= enough && cards < CARDS as usize)
            })
            .await;
        bob.state().replica.end_session();
        let reached = bob.state().replica.progress().cursor.position.sequence;
        assert!(reached > position);
        position = reached;
        connections += 1;
    }
    assert_eq!(connections, 3);
    assert_eq!(bob.state().compared, 0, "it has read everything once");
    assert_eq!(bob.card(CARDS - 1).unwrap().len(), BYTES);
}
