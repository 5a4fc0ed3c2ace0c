//! A transaction is atomic, has one stamp and one delta, and reports exactly what it changed.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use common::{bytes, cells_of, doc};
use leptos_sync_core::{
    Crdt, Doc, Error, GCounter, LwwMap, LwwRegister, PnCounter, ReplicaId, Transaction, Tx,
    VersionVector, limits,
};
use proptest::prelude::*;

#[derive(Crdt, Clone, Default)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u32, String>,
    labels: LwwMap<String, String>,
    moves: GCounter,
    votes: PnCounter,
}

fn text(text: &str) -> String {
    text.to_owned()
}

/// Creates a document with content in every field, including a tombstone.
fn written() -> Doc<Board> {
    let mut doc = doc::<Board>(1);
    doc.transact(|tx| {
        tx.title().set(text("Groceries"));
        tx.cards()
            .insert_batch((0..5).map(|n| (n, format!("card {n}"))));
        tx.labels().insert(text("a"), text("b"));
        tx.moves().increment(1);
        tx.votes().decrement(1);
    })
    .unwrap();
    doc.transact(|tx| tx.cards().remove(&4)).unwrap();
    doc.transact(|tx| tx.cards().insert(2, text("later")))
        .unwrap();
    doc
}

/// Writes to every field, so that a rollback must restore all of them.
fn scribble(tx: &mut Tx<'_, Board>) {
    tx.title().set(text("Scribble"));
    tx.cards().insert(0, text("overwritten"));
    tx.cards().insert(0, text("overwritten again"));
    tx.cards().remove(&1);
    tx.cards().insert(1, text("and back"));
    tx.cards().insert(4, text("from the dead"));
    tx.cards().insert(77, text("new"));
    tx.cards().remove(&77);
    tx.cards().insert(78, text("new"));
    tx.labels().clear();
    tx.moves().increment(5);
    tx.votes().increment(5);
    tx.votes().decrement(7);
}

/// Returns the error of a transaction that writes to every field and then fails in `edit`.
fn fails(doc: &mut Doc<Board>, edit: impl FnOnce(&mut Tx<'_, Board>)) -> Error {
    let (before, version) = (bytes(doc), doc.version().clone());
    let error = doc
        .transact(|tx| {
            scribble(tx);
            edit(tx);
        })
        .unwrap_err();
    assert_eq!(bytes(doc), before, "everything is rolled back");
    assert_eq!(*doc.version(), version);
    assert!(doc.delta_since(&version).unwrap().is_empty());
    error
}

fn changed(made: &Transaction) -> Vec<(String, bool)> {
    let changes = made.changes.iter();
    changes
        .map(|change| (change.path.to_string(), change.existence))
        .collect()
}

#[test]
fn a_key_that_is_too_long_rolls_everything_back() {
    let mut doc = written();
    let key = "k".repeat(limits::PATH_BYTES);
    let error = fails(&mut doc, |tx| tx.labels().insert(key, String::new()));
    assert!(error.is_limit(), "{error:?}");
}

/// The segment without a name means the record itself.
#[test]
fn a_key_without_bytes_rolls_everything_back() {
    let mut doc = written();
    let error = fails(&mut doc, |tx| {
        tx.labels().insert(String::new(), "x".to_owned())
    });
    assert!(error.is_value(), "{error:?}");
}

#[test]
fn a_value_that_is_too_large_rolls_everything_back() {
    let mut doc = written();
    let value = "v".repeat(limits::VALUE_BYTES + 1);
    let error = fails(&mut doc, |tx| tx.title().set(value));
    assert!(error.is_limit(), "{error:?}");
}

/// The data that is kept for a rollback is bounded, even if many cells are written.
#[test]
fn a_transaction_with_too_many_cells_stops_early() {
    let mut doc = doc::<LwwMap<u32, ()>>(1);
    let too_many = limits::TRANSACTION_CELLS as u32 + 1;
    let error = doc
        .transact(|tx| {
            for n in 0..too_many + 100 {
                tx.insert(n, ());
            }
            assert_eq!(tx.len(), too_many as usize);
        })
        .unwrap_err();
    assert!(error.is_limit(), "{error:?}");
    assert_eq!(doc.state().len(), 0);
    doc.assert_invariants();
}

#[test]
fn a_transaction_that_is_too_large_rolls_everything_back() {
    let mut doc = written();
    let value = "v".repeat(limits::VALUE_BYTES - 100);
    let error = fails(&mut doc, |tx| {
        tx.cards()
            .insert_batch((100..105).map(|n| (n, value.clone())));
    });
    assert!(error.is_limit(), "{error:?}");
    assert!(error.to_string().contains("split"), "{error}");
    doc.transact(|tx| {
        tx.cards()
            .insert_batch((100..103).map(|n| (n, value.clone())))
    })
    .unwrap();
}

#[test]
fn a_counter_beyond_its_range_rolls_everything_back() {
    let mut doc = written();
    let error = fails(&mut doc, |tx| tx.moves().increment(u64::MAX));
    assert!(error.is_limit(), "{error:?}");
    assert!(fails(&mut doc, |tx| tx.votes().increment(u64::MAX)).is_limit());
    assert!(fails(&mut doc, |tx| tx.votes().decrement(u64::MAX)).is_limit());
    doc.transact(|tx| tx.moves().increment(u64::MAX - 1))
        .unwrap();
    assert_eq!(doc.state().moves.value(), u64::MAX);
}

#[test]
fn a_cancelled_transaction_rolls_everything_back_and_returns_the_first_error() {
    let mut doc = written();
    let error = fails(&mut doc, |tx| {
        tx.cancel(Error::unavailable("first"));
        tx.cancel(Error::quota("second"));
        tx.title().set(text("after"));
    });
    assert!(error.is_unavailable(), "{error:?}");
}

#[test]
fn a_panic_in_the_closure_rolls_everything_back() {
    let mut doc = written();
    let before = bytes(&doc);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        doc.transact(|tx| {
            scribble(tx);
            // Panic without a message in the test's output.
            std::panic::resume_unwind(Box::new("a bug in the app"));
        })
    }));
    assert!(outcome.is_err());
    assert_eq!(bytes(&doc), before);
    doc.transact(|tx| tx.title().set(text("Works"))).unwrap();
    assert_eq!(doc.state().title.get(), "Works");
}

#[test]
fn rolling_back_a_fork_leaves_both_unchanged() {
    let doc = written();
    let mut fork = doc.fork(ReplicaId::new(2));
    fails(&mut fork, |tx| tx.cancel(Error::value("no")));
    assert_eq!(bytes(&doc), bytes(&fork));
}

/// The order of writes makes the cost of a delta proportional to the changes, so a rollback must
/// restore it. Otherwise later deltas would scan all entries, and two copies with equal state would
/// have different bytes.
#[test]
fn a_rollback_restores_the_order_of_writes() {
    let mut doc = doc::<Board>(1);
    for n in 0..6 {
        doc.transact(|tx| tx.cards().insert(n, format!("card {n}")))
            .unwrap();
    }
    doc.transact(|tx| {
        tx.cards()
            .insert_batch((10..16).map(|n| (n, text("one stamp"))))
    })
    .unwrap();
    for keys in [
        &[2][..],
        &[0],
        &[5, 1],
        &[12],
        &[10, 15, 3],
        &[11, 10],
        &[12, 11, 13],
    ] {
        let before = bytes(&doc);
        let failed = doc.transact(|tx| {
            for &key in keys {
                tx.cards().insert(key, text("overwritten"));
            }
            tx.cards().insert(99, text("new"));
            tx.cancel(Error::value("no"));
        });
        assert!(failed.is_err());
        assert_eq!(bytes(&doc), before, "{keys:?}");
    }
}

#[test]
fn a_transaction_reads_what_it_wrote() {
    let mut doc = written();
    doc.transact(|tx| {
        tx.title().set(text("New"));
        assert_eq!(tx.title().get(), "New");
        tx.title().update(|title| title.push('!'));
        assert_eq!(tx.title.get(), "New!");
        tx.cards().insert(50, text("fifty"));
        assert_eq!(tx.cards().get(&50).map(String::as_str), Some("fifty"));
        tx.cards().update(&50, |card| card.push('!'));
        tx.cards().remove(&0);
        assert!(!tx.cards().contains(&0));
        assert_eq!(tx.cards().len(), 4);
        tx.moves().increment(2);
        assert_eq!(tx.moves().value(), 3);
        tx.votes().decrement(2);
        assert_eq!(tx.votes().value(), -3);
    })
    .unwrap();
    assert_eq!(doc.state().title.get(), "New!");
    assert_eq!(
        doc.state().cards.get(&50).map(String::as_str),
        Some("fifty!")
    );
}

#[test]
fn the_last_of_two_writes_to_one_key_wins() {
    let mut doc = written();
    let made = doc
        .transact(|tx| {
            tx.cards().insert(9, text("first"));
            tx.cards().insert(9, text("last"));
            tx.title().set(text("first"));
            tx.title().set(text("last"));
            tx.moves().increment(1);
            tx.moves().increment(1);
        })
        .unwrap();
    assert_eq!(made.delta.len(), 3, "one cell per key");
    let mut other = common::doc::<Board>(2);
    other
        .apply(&doc.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    assert_eq!(
        other.state().cards.get(&9).map(String::as_str),
        Some("last")
    );
    assert_eq!(other.state().title.get(), "last");
    assert_eq!(other.state().moves.value(), 3);
    assert_eq!(bytes(&other), bytes(&doc));
}

#[test]
fn a_key_inserted_and_removed_in_one_transaction_is_removed() {
    let mut doc = written();
    let made = doc
        .transact(|tx| {
            tx.cards().insert(9, text("short-lived"));
            tx.cards().remove(&9);
            tx.cards().remove(&0);
            tx.cards().insert(0, text("back"));
        })
        .unwrap();
    assert_eq!(made.delta.len(), 2);
    let mut other = common::doc::<Board>(2);
    other
        .apply(&doc.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    for doc in [&doc, &other] {
        assert_eq!(doc.state().cards.get(&9), None);
        assert_eq!(doc.state().cards.get(&0).map(String::as_str), Some("back"));
    }
    assert_eq!(bytes(&other), bytes(&doc));
}

#[test]
fn changes_are_exactly_the_changed_paths_and_keys() {
    let mut doc = written();
    let made = doc
        .transact(|tx| {
            tx.title().set(text("New"));
            tx.title().set(text("Newer"));
            tx.cards().insert(0, text("overwritten"));
            tx.cards().insert(4, text("from the dead"));
            tx.cards().insert(50, text("new"));
            tx.cards().remove(&1);
            tx.cards().remove(&1000);
            tx.labels().remove(&text("a"));
            tx.labels().update(&text("none"), String::clear);
            tx.moves().increment(1);
        })
        .unwrap();
    let at = |path: &str, existence| (text(path), existence);
    assert_eq!(
        changed(&made),
        [
            at("/title", false),
            at("/cards/0xfe", false),
            at("/cards/0xfe04", true),
            at("/cards/0xfe32", true),
            at("/cards/0xfe01", true),
            at("/labels/a", true),
            at("/moves/0x0000000000000001", false),
        ]
    );
    // The receiver gets the same changes, in the order of the cells.
    let mut other = written().fork(ReplicaId::new(2));
    let mut theirs: Vec<_> = other
        .apply(&made.delta)
        .unwrap()
        .iter()
        .map(|change| (change.path.to_string(), change.existence))
        .collect();
    let mut ours = changed(&made);
    theirs.sort();
    ours.sort();
    assert_eq!(theirs, ours);
    assert!(
        other.apply(&made.delta).unwrap().is_empty(),
        "each change is reported once"
    );
}

#[test]
fn a_transaction_is_one_stamp_and_one_delta() {
    let mut doc = written();
    let before = doc.version().clone();
    let mut inside = None;
    let made = doc
        .transact(|tx| {
            inside = Some(tx.stamp());
            scribble(tx);
        })
        .unwrap();
    assert_eq!(inside, Some(made.stamp));
    assert!(made.delta.len() > 5);
    for group in made.delta.cells().groups() {
        assert!(group.cells().all(|cell| cell.stamp == made.stamp));
    }
    assert_eq!(*made.delta.after(), before);
    assert_eq!(doc.version().get(ReplicaId::new(1)), made.stamp.time);
    let since = doc.delta_since(&before).unwrap();
    assert_eq!(since.upto(), made.delta.upto());
    assert_eq!(cells_of(&since), cells_of(&made.delta));

    let mut other = written().fork(ReplicaId::new(2));
    other.apply(&made.delta).unwrap();
    assert_eq!(bytes(&other), bytes(&doc));
}

#[test]
fn an_empty_transaction_changes_and_sends_nothing() {
    let mut doc = written();
    let before = bytes(&doc);
    for made in [
        doc.transact(|_| {}).unwrap(),
        doc.transact(|tx| tx.cards().remove(&1000)).unwrap(),
        doc.transact(|tx| tx.labels().insert_batch([])).unwrap(),
    ] {
        assert!(made.changes.is_empty());
        assert!(made.delta.is_empty() && made.delta.upto().is_empty());
        common::doc::<Board>(2).apply(&made.delta).unwrap();
    }
    assert_eq!(bytes(&doc), before);
}

#[test]
fn a_local_write_replaces_a_quarantined_cell() {
    #[derive(Crdt, Clone, Default)]
    struct Numbers {
        cards: LwwMap<u32, u64>,
    }
    let mut words = written();
    let mut numbers = common::doc::<Numbers>(2);
    numbers
        .apply(&words.delta_since(&VersionVector::new()).unwrap())
        .unwrap();
    let aside = numbers
        .quarantined()
        .filter(|held| held.reason.is_some())
        .count();
    assert_eq!(aside, 4);
    let made = numbers.transact(|tx| tx.cards().insert(0, 300)).unwrap();
    assert_eq!(changed(&made), [(text("/cards/0xfe"), true)]);
    assert_eq!(
        numbers
            .quarantined()
            .filter(|held| held.reason.is_some())
            .count(),
        3
    );
    words.apply(&made.delta).unwrap();
    assert_eq!(
        words.quarantined().count(),
        1,
        "now the number is quarantined"
    );
    assert_eq!(words.state().cards.get(&0), None);
}

#[test]
fn a_fork_shares_its_state_until_one_side_writes() {
    let mut doc = written();
    let mut fork = doc.fork(ReplicaId::new(2));
    assert!(Arc::ptr_eq(&doc.shared_state(), &fork.shared_state()));
    let kept = doc.shared_state();

    let ours = doc.transact(|tx| tx.title().set(text("Ours"))).unwrap();
    assert!(!Arc::ptr_eq(&doc.shared_state(), &fork.shared_state()));
    assert_eq!(fork.state().title.get(), "Groceries");
    assert_eq!(kept.title.get(), "Groceries");
    let theirs = fork
        .transact(|tx| tx.cards().insert(60, text("theirs")))
        .unwrap();
    assert_eq!(doc.state().cards.get(&60), None);

    doc.apply(&theirs.delta).unwrap();
    fork.apply(&ours.delta).unwrap();
    assert_eq!(bytes(&doc), bytes(&fork));
}

#[test]
fn the_size_of_a_delta_follows_the_changes_not_the_map() {
    let sizes = [1_000_u32, 100_000].map(|entries| {
        let mut doc = doc::<Board>(1);
        for from in (0..entries).step_by(1_000) {
            let batch = (from..from + 1_000).map(|n| (n, format!("card {n}")));
            doc.transact(|tx| tx.cards().insert_batch(batch)).unwrap();
        }
        let before = doc.version().clone();
        for n in 0..100 {
            doc.transact(|tx| tx.cards().insert(n * 10, text("changed")))
                .unwrap();
        }
        let delta = doc.delta_since(&before).unwrap();
        assert_eq!(delta.len(), 100);
        delta.encode().len()
    });
    assert!(sizes[0].abs_diff(sizes[1]) <= 8, "{sizes:?}");
}

#[derive(Clone, Debug)]
enum Op {
    Title(u8),
    Insert(u8, u8),
    Remove(u8),
    Clear,
    Count(u8),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        1 => any::<u8>().prop_map(Op::Title),
        6 => (0_u8..12, any::<u8>()).prop_map(|(key, value)| Op::Insert(key, value)),
        3 => (0_u8..12).prop_map(Op::Remove),
        1 => Just(Op::Clear),
        1 => any::<u8>().prop_map(Op::Count),
    ];
    proptest::collection::vec(op, 0..12)
}

fn perform(tx: &mut Tx<'_, Board>, ops: &[Op]) {
    for op in ops {
        match op {
            Op::Title(title) => tx.title().set(title.to_string()),
            Op::Insert(key, value) => tx.cards().insert(u32::from(*key), value.to_string()),
            Op::Remove(key) => tx.cards().remove(&u32::from(*key)),
            Op::Clear => tx.cards().clear(),
            Op::Count(by) => tx.votes().decrement(u64::from(*by)),
        }
    }
}

proptest! {
    /// Failed transactions in between leave no trace, not even in the encoded state.
    #[test]
    fn failed_transactions_leave_no_trace(
        steps in proptest::collection::vec((ops(), any::<bool>(), 1_u64..3), 1..12),
    ) {
        let mut docs = [doc::<Board>(1), doc::<Board>(2)];
        for (ops, fails, replica) in &steps {
            let doc = &mut docs[*replica as usize - 1];
            let before = bytes(doc);
            let outcome = doc.transact(|tx| {
                perform(tx, ops);
                if *fails {
                    tx.cancel(Error::value("no"));
                }
            });
            match outcome {
                Err(_) => prop_assert_eq!(bytes(doc), before),
                Ok(made) => {
                    let other = &mut docs[2 - *replica as usize];
                    other.apply(&made.delta).unwrap();
                }
            }
            prop_assert_eq!(bytes(&docs[0]), bytes(&docs[1]));
        }
    }
}
