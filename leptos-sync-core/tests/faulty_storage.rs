//! A faulty storage fails exactly as planned.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::now;
use leptos_sync_core::storage::{
    Batch, Fault, FaultyStorage, MemoryStorage, Scan, Storage, conformance,
};

fn pair(value: u8) -> Batch {
    let mut batch = Batch::new();
    batch.put(*b"left", [value]).put(*b"right", [value]);
    batch
}

fn fresh() -> (MemoryStorage, FaultyStorage<MemoryStorage>) {
    let memory = MemoryStorage::new();
    (memory.clone(), FaultyStorage::new(memory))
}

#[test]
fn without_faults_it_obeys_the_laws() {
    now(conformance::run(async || {
        FaultyStorage::new(MemoryStorage::new())
    }));
}

#[test]
fn a_refused_commit_changes_nothing() {
    let (memory, store) = fresh();
    store.fail_commit(1, Fault::Refused);
    store.fail_commit(2, Fault::Quota);
    now(store.commit(pair(1))).unwrap();
    let refused = now(store.commit(pair(2))).unwrap_err();
    assert!(refused.is_storage() && !refused.is_quota(), "{refused}");
    assert!(now(store.commit(pair(3))).unwrap_err().is_quota());
    assert_eq!(now(memory.get(b"left")).unwrap(), Some(vec![1]));
    now(store.commit(pair(4))).unwrap();
    assert_eq!(now(memory.get(b"right")).unwrap(), Some(vec![4]));
}

#[test]
fn a_commit_whose_answer_is_lost_took_effect() {
    let (memory, store) = fresh();
    store.fail_commit(0, Fault::AnswerLost);
    let issued = store.commit(pair(1));
    assert_eq!(memory.len(), 2, "the call issues the commit");
    assert!(now(issued).unwrap_err().is_storage());
}

#[test]
fn every_kind_of_operation_is_counted_and_can_fail() {
    let (_, store) = fresh();
    for number in [0, 2, 4, 6, 8] {
        store.fail_operation(number, Fault::Refused);
    }
    let failed = [
        now(store.get(b"left")).is_err(),
        now(store.get(b"left")).is_err(),
        now(store.get_many(&[b"left"])).is_err(),
        now(store.get_many(&[b"left"])).is_err(),
        now(store.scan(Scan::all())).is_err(),
        now(store.scan(Scan::all())).is_err(),
        now(store.scan_prefix(b"l")).is_err(),
        now(store.scan_prefix(b"l")).is_err(),
        now(store.commit(pair(1))).is_err(),
        now(store.commit(pair(1))).is_err(),
    ];
    assert!(
        failed
            .iter()
            .enumerate()
            .all(|(n, failed)| *failed == (n % 2 == 0))
    );
    assert_eq!((store.operations(), store.commits()), (10, 2));
}

#[test]
fn a_seed_gives_the_same_faults_until_healed() {
    let run = |seed| {
        let (memory, store) = fresh();
        store.fail_at_random(seed, 3);
        let answers: Vec<Option<String>> = (0..60)
            .map(|n| {
                now(store.commit(pair(n)))
                    .err()
                    .map(|error| error.to_string())
            })
            .collect();
        store.heal();
        assert!((0..60).all(|n| now(store.commit(pair(n))).is_ok()));
        drop(memory);
        answers
    };
    let first = run(7);
    assert_eq!(first, run(7));
    assert_ne!(first, run(8));
    let failed = first.iter().flatten().count();
    assert!(
        (8..40).contains(&failed),
        "about a third of 60 operations fail, not {failed}"
    );
}
