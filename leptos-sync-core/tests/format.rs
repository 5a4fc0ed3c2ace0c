//! Released bytes stay readable.
//!
//! `LEPTOS_SYNC_WRITE_FIXTURES=1` rewrites the fixtures. Use it only for a format that was never
//! released.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use std::{fs, path::PathBuf};

use common::{body_of, clock, doc};
use leptos_sync_core::{
    Crdt, Delta, Doc, GCounter, LwwMap, LwwRegister, PnCounter, ReplicaId, Snapshot, VersionVector,
};
use serde::{Deserialize, Serialize};

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, Card>,
    labels: LwwMap<String, i64>,
    moves: GCounter,
    votes: PnCounter,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Card {
    text: String,
    done: bool,
    due: Option<u64>,
}

fn card(n: u32) -> Card {
    Card {
        text: format!("card {n}"),
        done: n.is_multiple_of(2),
        due: (n > 1).then_some(u64::from(n) * 1_000),
    }
}

/// Creates a document with two writers, every type, a tombstone, and a version up to which
/// tombstones were forgotten.
fn board() -> (Doc<Board>, Delta) {
    let mut ada = doc::<Board>(0x0a);
    ada.transact(|tx| {
        tx.title().set("Groceries".to_owned());
        tx.cards().insert_batch((0..4).map(|n| (n, card(n))));
        tx.labels().insert("red".to_owned(), -7);
        tx.labels().insert("blue".to_owned(), 1 << 40);
        tx.moves().increment(300);
    })
    .unwrap();
    ada.transact(|tx| tx.labels().remove(&"blue".to_owned()))
        .unwrap();
    let stable = ada.version().clone();
    ada.forget_tombstones(&stable);
    let mut bob = ada.fork(ReplicaId::new(0xb0b0_b0b0_b0b0_b0b0));
    let edit = bob.transact(|tx| {
        tx.title().set("Shopping — 買い物".to_owned());
        tx.cards().remove(&3);
        tx.moves().increment(1);
        tx.votes().increment(1);
        tx.votes().decrement(5);
    });
    let edit = edit.unwrap().delta;
    ada.apply(&edit).unwrap();
    (ada, edit)
}

/// Creates a document whose snapshot is large enough to be compressed.
#[cfg(feature = "deflate")]
fn many() -> Doc<Board> {
    let mut ada = doc::<Board>(0x0a);
    ada.transact(|tx| tx.cards().insert_batch((0..300).map(|n| (n, card(n)))))
        .unwrap();
    ada
}

fn fixture(name: &str, written: &[u8]) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/v2")
        .join(name);
    if std::env::var_os("LEPTOS_SYNC_WRITE_FIXTURES").is_some() {
        fs::write(&path, written).unwrap();
    }
    fs::read(&path).unwrap()
}

fn check(doc: &Doc<Board>) {
    doc.assert_invariants();
    let state = doc.state();
    assert_eq!(state.title.get(), "Shopping — 買い物");
    assert_eq!(state.cards.len(), 3);
    assert!((0..3).all(|n| state.cards.get(&n) == Some(&card(n))));
    assert_eq!(state.cards.cell(&3), Some(&None));
    assert_eq!(state.labels.get("red"), Some(&-7));
    assert_eq!(state.labels.cell("blue"), None, "forgotten");
    assert_eq!((state.moves.value(), state.votes.value()), (301, -4));
    assert_eq!(doc.quarantined().count(), 0);
}

#[test]
fn released_bytes_still_decode() {
    let (ada, edit) = board();
    let snapshot = fixture("snapshot.bin", &ada.snapshot().unwrap().encode());
    let delta = fixture("delta.bin", &edit.encode());

    let snapshot = Snapshot::decode(&snapshot).unwrap();
    let loaded = Doc::<Board>::load(&snapshot, clock(3));
    check(&loaded);
    assert_eq!(loaded.version(), ada.version());
    assert_eq!(snapshot.horizon().len(), 1);
    let behind = loaded.delta_since(&VersionVector::new());
    assert!(behind.unwrap_err().is_snapshot_needed());

    let delta = Delta::decode(&delta).unwrap();
    assert_eq!(delta, edit);
    let mut other = doc::<Board>(3);
    other.apply(&delta).unwrap();
    assert_eq!(other.state().votes.value(), -4);
}

#[cfg(feature = "deflate")]
#[test]
fn released_compressed_bytes_still_decode() {
    // The output of deflate may differ between builds.
    let compressed = fixture("compressed.bin", &many().snapshot().unwrap().encode());
    assert_eq!(
        Snapshot::decode(&compressed).unwrap(),
        many().snapshot().unwrap()
    );
    let many = Snapshot::decode(&compressed).unwrap();
    let many = Doc::<Board>::load(&many, clock(3));
    assert_eq!(many.state().cards.len(), 300);
    assert!((0..300).all(|n| many.state().cards.get(&n) == Some(&card(n))));
}

/// If these bytes change, it is either a new format version or an accident.
#[test]
fn this_build_writes_the_released_bytes() {
    let (ada, edit) = board();
    let (snapshot, delta) = (ada.snapshot().unwrap().encode(), edit.encode());
    assert_eq!(fixture("snapshot.bin", &snapshot), snapshot);
    assert_eq!(fixture("delta.bin", &delta), delta);
}

#[test]
fn version_1_is_rejected_with_its_reason() {
    let delta = include_bytes!("fixtures/v1/delta.bin");
    let error = Delta::decode(delta).unwrap_err();
    assert!(error.is_unsupported());
    assert!(error.to_string().contains("format version 1"), "{error}");
}

/// Compares a delta with the example in `docs/format.md`, byte by byte.
#[test]
fn the_documented_delta_matches_the_encoding() {
    let mut doc = doc::<Board>(7);
    let made = doc.transact(|tx| {
        tx.title().set("Hi".to_owned());
        tx.labels().insert("a".to_owned(), -1);
        tx.labels().insert("b".to_owned(), 300);
    });
    let envelope = made.unwrap().delta.encode();
    let base = [0x80, 0x80, 0x80, 0xc0, 0xd6, 0xfc, 0xf3, 0xc5, 0x01];
    let expected = [
        &[1, 7, 0, 0, 0, 0, 0, 0, 0][..],
        &base,
        &[0],
        &[1, 0, 0],
        &[7, 6],
        b"labels",
        &[2, 3, 4, 0, 0, 0, 1],
        b"ab",
        &[1, 2, 4, 0xff, 0xfe, 0x2c, 0x01],
        &[0, 1, 3, 2, 0, 0, 0, 5],
        b"title",
        &[0, 3],
        b"Hi",
    ]
    .concat();
    assert_eq!(body_of(&envelope), expected, "{:x?}", body_of(&envelope));
}
