//! The core on wasm32. There, the clock, the source of randomness and the size of integers differ
//! from a native build.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, GCounter, Id, LwwMap, LwwRegister, ReplicaId, Snapshot,
    storage::{MemoryStorage, conformance},
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u64, String>,
    moves: GCounter,
}

fn edited(replica: ReplicaId) -> Doc<Board> {
    let mut doc = Doc::<Board>::new(Clock::system(replica));
    doc.transact(|tx| {
        tx.title().set(format!("by {replica}"));
        tx.cards().insert_batch(
            (0..2_000).map(|key| ((key << 40) | (replica.get() % 7), format!("card {key}"))),
        );
        tx.moves().increment(3);
    })
    .unwrap();
    doc
}

#[wasm_bindgen_test]
async fn memory_storage_obeys_the_laws() {
    conformance::run(async || MemoryStorage::new()).await;
}

#[wasm_bindgen_test]
fn two_replicas_converge_through_bytes() {
    let (mut ada, mut bob) = (
        edited(ReplicaId::random().unwrap()),
        edited(ReplicaId::random().unwrap()),
    );
    let to_bob = ada.delta_since(bob.version()).unwrap().encode();
    let to_ada = bob.snapshot().unwrap().encode();
    bob.apply(&Delta::decode(&to_bob).unwrap()).unwrap();
    ada.merge_snapshot(&Snapshot::decode(&to_ada).unwrap())
        .unwrap();
    assert_eq!(
        ada.snapshot().unwrap().encode(),
        bob.snapshot().unwrap().encode()
    );
    assert_eq!(ada.state().moves.value(), 6);
}

#[wasm_bindgen_test]
fn a_page_creates_distinct_ids_with_a_text_form() {
    let (first, second) = (Id::new(), Id::new());
    assert!(first < second);
    assert_eq!(first.to_string().parse::<Id>().unwrap(), first);
}

#[wasm_bindgen_test]
#[expect(
    clippy::disallowed_methods,
    reason = "the test compares the clock with its source"
)]
fn the_clock_follows_the_browser() {
    let now = js_sys::Date::now() as u64;
    let ticked = Clock::system(ReplicaId::new(1)).tick().unwrap().time.ms();
    assert!(ticked.abs_diff(now) < 60_000, "{ticked} is not about {now}");
}

#[wasm_bindgen_test]
fn envelopes_compressed_by_a_server_are_readable() {
    let compressed = include_bytes!("../../leptos-sync-core/tests/fixtures/v2/compressed.bin");
    let snapshot = Snapshot::decode(compressed).unwrap();
    assert!(snapshot.bytes() > compressed.len());
    assert_eq!(Snapshot::decode(&snapshot.encode()).unwrap(), snapshot);
}

#[wasm_bindgen_test]
fn replica_ids_are_random() {
    assert_ne!(ReplicaId::random().unwrap(), ReplicaId::random().unwrap());
}
