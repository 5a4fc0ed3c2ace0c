//! Documents with the maximum number of replicas, and one more.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{DELTA, NOW_MS, clock, doc, now, sealed, varint};
use leptos_sync_core::{
    Crdt, Delta, Doc, GCounter, LwwMap, ReplicaId, Snapshot,
    engine::DocStore,
    limits,
    storage::{MemoryStorage, Storage as _},
};

const CROWD: u64 = limits::REPLICAS as u64;

#[derive(Crdt, Clone, Default)]
struct Board {
    cards: LwwMap<u16, u8>,
    moves: GCounter,
}

/// Returns a message in which each of `replicas` has written a card and incremented a counter once.
/// The ids descend, which is the worst case for lists sorted by id.
fn message(replicas: u64) -> Vec<u8> {
    let mut body = varint(replicas);
    (1..=replicas)
        .rev()
        .for_each(|id| body.extend(id.to_le_bytes()));
    body.extend(varint(NOW_MS << 16));
    body.extend(varint(0));
    body.extend(varint(replicas));
    (0..replicas).rev().for_each(|row| {
        body.extend(varint(row));
        body.push(0);
    });
    let moves = |id: u64| id.to_be_bytes().to_vec();
    // The encoding of a number above 255.
    let cards = |id: u64| [&[0xfe][..], &(1000 + id as u16).to_le_bytes()].concat();
    body.extend(group(b"\x05cards", replicas, cards));
    body.extend(group(b"\x05moves", replicas, moves));
    sealed(DELTA, &body)
}

/// Returns the encoded state and version, uncompressed, since compression would dominate the time
/// of these tests.
fn bytes(doc: &Doc<Board>) -> Vec<u8> {
    doc.assert_invariants();
    doc.snapshot().unwrap().encode_uncompressed()
}

fn group(parent: &[u8], replicas: u64, key: impl Fn(u64) -> Vec<u8>) -> Vec<u8> {
    let stamps: Vec<u8> = (0..replicas)
        .flat_map(|row| [varint(2), varint(row), varint(0)].concat())
        .collect();
    let keys: Vec<u8> = (1..=replicas).rev().flat_map(&key).collect();
    let mut out = [&varint(parent.len() as u64), parent, &varint(replicas)].concat();
    out.extend(varint(stamps.len() as u64));
    out.extend(stamps);
    out.push(0);
    out.extend(varint(key(1).len() as u64));
    out.extend(keys);
    // All values have two bytes and are the number 1.
    out.extend([0, 3]);
    out.extend([0xfe, 1].repeat(replicas as usize));
    out
}

/// If this took seconds, a message of a hundred kilobytes could block every reader.
#[test]
fn the_maximum_number_of_replicas_is_read_and_written_quickly() {
    let delta = Delta::decode(&message(CROWD)).unwrap();
    let mut reader = doc::<Board>(1);
    // The reader has the id of one of these replicas. It rejects operations of its id that it did
    // not make.
    assert!(reader.apply(&delta).unwrap_err().is_replica_reused());
    let mut reader = doc::<Board>(CROWD + 1);
    reader.apply(&delta).unwrap();
    assert_eq!(reader.state().moves.value(), CROWD);
    assert_eq!(reader.state().cards.len() as u64, CROWD);

    let snapshot = Snapshot::decode(&bytes(&reader)).unwrap();
    let copy = Doc::<Board>::load(&snapshot, clock(CROWD + 2));
    assert_eq!(bytes(&copy), bytes(&reader));
    let mut merged = doc::<Board>(CROWD + 3);
    merged.merge(&reader).unwrap();
    assert_eq!(bytes(&merged), bytes(&reader));
    let again = reader.delta_since(doc::<Board>(1).version()).unwrap();
    merged
        .apply(&Delta::decode(&again.encode_uncompressed()).unwrap())
        .unwrap();
    assert_eq!(bytes(&merged), bytes(&reader));
}

/// Readers would never accept a document with more replicas again.
#[test]
fn one_replica_above_the_maximum_is_rejected_and_changes_nothing() {
    assert!(Delta::decode(&message(CROWD + 1)).unwrap_err().is_corrupt());

    let mut full = doc::<Board>(CROWD + 1);
    full.apply(&Delta::decode(&message(CROWD)).unwrap())
        .unwrap();
    let before = bytes(&full);
    let own = full.transact(|tx| tx.cards().insert(1, 1));
    assert!(own.unwrap_err().is_limit());
    let mut other = doc::<Board>(CROWD + 2);
    let written = other.transact(|tx| tx.moves().increment(1)).unwrap();
    assert!(full.apply(&written.delta).unwrap_err().is_limit());
    assert!(full.merge(&other).unwrap_err().is_limit());
    let snapshot = other.snapshot().unwrap();
    assert!(full.merge_snapshot(&snapshot).unwrap_err().is_limit());
    assert_eq!(bytes(&full), before);

    full.set_replica(ReplicaId::new(CROWD));
    full.transact(|tx| tx.cards().insert(1, 1)).unwrap();
    assert!(Snapshot::decode(&bytes(&full)).is_ok());
}

#[test]
fn a_document_of_too_many_replicas_can_still_be_edited_by_those_it_has() {
    let mut newcomer = doc::<Board>(CROWD + 1);
    let known = newcomer.transact(|tx| tx.cards().insert(1, 1)).unwrap();
    // The limit does not apply to data that the device has stored.
    let mut store = DocStore::new(MemoryStorage::new(), "crowded").unwrap();
    for delta in [Delta::decode(&message(CROWD)).unwrap(), known.delta] {
        now(store.storage().commit(store.log(&[delta]).batch)).unwrap();
    }
    let mut crowded = now(store.load::<Board>(clock(CROWD + 2))).unwrap().doc;

    assert!(crowded.transact(|tx| tx.cards().insert(2, 2)).is_err());
    let later = newcomer.transact(|tx| tx.cards().remove(&1)).unwrap();
    crowded.apply(&later.delta).unwrap();
    crowded.set_replica(ReplicaId::new(CROWD));
    crowded.transact(|tx| tx.cards().clear()).unwrap();
    assert!(crowded.state().cards.is_empty());
}
