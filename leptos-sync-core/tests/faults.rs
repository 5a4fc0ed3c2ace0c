//! Faults that users of other local-first libraries have met, each with a test that would have
//! found it.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{NOW_MS, bytes, clock, doc};
use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, GCounter, LwwMap, LwwRegister, ReplicaId, Snapshot, Stamp, Time,
    VersionVector, clock::ManualTime,
};

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    moves: GCounter,
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn exchange(a: &mut Doc<Board>, b: &mut Doc<Board>) {
    let (to_a, to_b) = (b.delta_since(a.version()), a.delta_since(b.version()));
    a.apply(&to_a.unwrap()).unwrap();
    b.apply(&to_b.unwrap()).unwrap();
}

#[test]
fn equal_stamps_of_one_replica_converge() {
    let stamp = Stamp::new(Time::from_ms(NOW_MS), ReplicaId::new(1));
    let registers = ["left", "right"].map(|value| LwwRegister::<String>::new(text(value), stamp));
    let [mut left, mut right] = registers.clone();
    left.merge(&registers[1]);
    right.merge(&registers[0]);
    assert_eq!(left, right);

    let mut maps = [LwwMap::<u32, String>::new(), LwwMap::new(), LwwMap::new()];
    maps[0].insert(1, text("left"), stamp);
    maps[1].insert(1, text("right"), stamp);
    maps[2].insert(1, text("gone"), stamp);
    maps[2].remove(&1, stamp);
    let mut merged = Vec::new();
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut map = LwwMap::<u32, String>::new();
        order.into_iter().for_each(|at: usize| map.merge(&maps[at]));
        merged.push(map);
    }
    assert!(merged.iter().all(|map| *map == merged[0]), "{merged:?}");
}

#[test]
fn a_merge_with_a_fast_clock_loses_no_later_edit() {
    // Bob's clock is four minutes fast. Ada reads his text and then edits it.
    let mut bob = Doc::<Board>::new(Clock::new(
        ReplicaId::new(2),
        ManualTime::at(NOW_MS + 240_000),
    ));
    bob.transact(|tx| tx.title().set(text("Bob's"))).unwrap();
    let mut ada = doc::<Board>(1);
    exchange(&mut ada, &mut bob);
    for n in 0..3 {
        ada.transact(|tx| tx.title().set(format!("Ada's {n}")))
            .unwrap();
        assert_eq!(*ada.state().title.get(), format!("Ada's {n}"));
    }
    exchange(&mut ada, &mut bob);
    assert_eq!(bob.state().title.get(), "Ada's 2");
}

#[test]
fn a_wall_clock_that_is_set_back_loses_no_later_edit() {
    let time = ManualTime::at(NOW_MS);
    let mut ada = Doc::<Board>::new(Clock::new(ReplicaId::new(1), time.clone()));
    ada.transact(|tx| tx.title().set(text("before"))).unwrap();
    time.set(NOW_MS - 3_600_000);
    ada.transact(|tx| tx.title().set(text("after"))).unwrap();
    let mut bob = doc::<Board>(2);
    exchange(&mut ada, &mut bob);
    assert_eq!(bob.state().title.get(), "after");
    // The same holds across a reload with the wrong clock.
    let saved = Snapshot::decode(&bytes(&ada)).unwrap();
    let mut again = Doc::<Board>::load(&saved, Clock::new(ReplicaId::new(3), time));
    again
        .transact(|tx| tx.title().set(text("reloaded")))
        .unwrap();
    exchange(&mut again, &mut bob);
    assert_eq!(bob.state().title.get(), "reloaded");
}

#[test]
fn a_fresh_default_never_wins_over_data() {
    let mut ada = doc::<Board>(1);
    ada.transact(|tx| tx.title().set(text("Groceries")))
        .unwrap();
    // A fresh replica writes later, with the greatest id, after another edit.
    let mut fresh = Doc::<Board>::new(Clock::new(
        ReplicaId::new(u64::MAX),
        ManualTime::at(NOW_MS + 60_000),
    ));
    assert_eq!(fresh.state().title.stamp(), Stamp::ZERO);
    fresh.transact(|tx| tx.moves().increment(1)).unwrap();
    ada.merge(&fresh).unwrap();
    fresh.merge(&ada).unwrap();
    assert_eq!(ada.state().title.get(), "Groceries");
    assert_eq!(fresh.state().title.get(), "Groceries");
    assert_eq!(bytes(&ada), bytes(&fresh));

    let mut written = ada.state().title.clone();
    written.merge(&LwwRegister::default());
    assert_eq!(written.get(), "Groceries");
}

#[test]
fn a_removed_key_stays_removed_when_an_old_copy_is_merged() {
    let mut ada = doc::<Board>(1);
    ada.transact(|tx| tx.cards().insert(1, text("Milk")))
        .unwrap();
    let old = ada.fork(ReplicaId::new(2));
    let old_bytes = Snapshot::decode(&bytes(&ada)).unwrap();
    let old_delta = ada.delta_since(&VersionVector::new()).unwrap();
    ada.transact(|tx| tx.cards().remove(&1)).unwrap();

    let everything = ada.version().clone();
    for forget in [false, true] {
        if forget {
            ada.forget_tombstones(&everything);
            assert_eq!(ada.state().cards.tombstones(), 0);
        }
        assert!(ada.merge(&old).unwrap().is_empty());
        assert!(ada.merge_snapshot(&old_bytes).unwrap().is_empty());
        assert!(ada.apply(&old_delta).unwrap().is_empty());
        assert_eq!(ada.state().cards.get(&1), None);
        let mut copy = old.fork(ReplicaId::new(3));
        copy.merge(&ada).unwrap();
        assert_eq!(copy.state().cards.get(&1), None);
    }
}

#[test]
fn a_removed_key_can_be_inserted_again() {
    let mut ada = doc::<Board>(1);
    for round in 0..3 {
        ada.transact(|tx| tx.cards().insert(1, text("Milk")))
            .unwrap();
        assert_eq!(ada.state().cards.len(), 1, "{round}");
        ada.transact(|tx| tx.cards().remove(&1)).unwrap();
        assert!(ada.state().cards.is_empty());
    }
    ada.transact(|tx| tx.cards().insert(1, text("Eggs")))
        .unwrap();
    let mut bob = doc::<Board>(2);
    exchange(&mut ada, &mut bob);
    assert_eq!(bob.state().cards.get(&1).map(String::as_str), Some("Eggs"));
}

#[test]
fn the_replica_id_of_a_document_is_stable() {
    let mut ada = doc::<Board>(1);
    let mut bob = doc::<Board>(2);
    for _ in 0..5 {
        let made = ada.transact(|tx| tx.moves().increment(1)).unwrap();
        assert_eq!(made.stamp.replica, ReplicaId::new(1));
        bob.transact(|tx| tx.moves().increment(1)).unwrap();
        exchange(&mut ada, &mut bob);
        assert_eq!(ada.replica(), ReplicaId::new(1));
    }
    assert_eq!(ada.version().len(), 2, "one entry per writer, not per call");
    assert_eq!(ada.state().moves.count_of(ReplicaId::new(1)), 5);
    let reloaded = Doc::<Board>::load(&ada.snapshot().unwrap(), clock(1));
    assert_eq!(reloaded.replica(), ReplicaId::new(1));
}

#[test]
fn a_batch_is_one_transaction() {
    let mut ada = doc::<Board>(1);
    let made = ada
        .transact(|tx| {
            tx.cards()
                .insert_batch((0..1_000).map(|n| (n, format!("card {n}"))))
        })
        .unwrap();
    assert_eq!((made.changes.len(), made.delta.len()), (1_000, 1_000));
    let mut bob = doc::<Board>(2);
    assert_eq!(bob.apply(&made.delta).unwrap().len(), 1_000);
    assert!((0..1_000).all(|n| bob.state().cards.stamp(&n) == Some(made.stamp)));

    let keys: Vec<u32> = (0..500).collect();
    let removed = ada.transact(|tx| tx.cards().remove_batch(&keys)).unwrap();
    assert_eq!(removed.delta.len(), 500);
    bob.apply(&removed.delta).unwrap();
    assert_eq!(bob.state().cards.len(), 500);
    assert_eq!(bob.state().cards.get_batch(&keys).flatten().count(), 0);
    assert_eq!(bytes(&ada), bytes(&bob));
}

#[test]
fn a_delta_is_far_smaller_than_the_state() {
    let mut ada = doc::<Board>(1);
    ada.transact(|tx| {
        tx.cards()
            .insert_batch((0..5_000).map(|n| (n, format!("card {n}"))))
    })
    .unwrap();
    let mut bob = doc::<Board>(2);
    exchange(&mut ada, &mut bob);
    let made = ada
        .transact(|tx| tx.cards().insert(7, text("changed")))
        .unwrap();
    let since = ada.delta_since(bob.version()).unwrap().encode();
    assert!(since.len() < 100, "{} bytes", since.len());
    assert!(bytes(&ada).len() > 100 * since.len());
    assert_eq!(Delta::decode(&since).unwrap(), made.delta);
    bob.apply(&made.delta).unwrap();
    assert_eq!(bytes(&ada), bytes(&bob));
    assert!(ada.delta_since(bob.version()).unwrap().is_empty());
}

#[test]
fn edits_arrive_once_however_often_and_in_whatever_order_copies_meet() {
    let mut docs = [1, 2, 3].map(doc::<Board>);
    for (n, doc) in (0_u32..).zip(&mut docs) {
        doc.transact(|tx| {
            tx.title().set(format!("title {n}"));
            tx.cards().insert(n % 2, format!("card {n}"));
            tx.moves().increment(1);
        })
        .unwrap();
    }
    let [mut a, mut b, mut c] = docs;
    exchange(&mut a, &mut b);
    exchange(&mut b, &mut c);
    c.merge(&a).unwrap();
    exchange(&mut a, &mut c);
    exchange(&mut b, &mut c);
    exchange(&mut b, &mut c);
    assert_eq!(a.state().moves.value(), 3);
    assert_eq!(bytes(&a), bytes(&b));
    assert_eq!(bytes(&b), bytes(&c));
}
