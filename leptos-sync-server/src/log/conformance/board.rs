//! A typed document to which the histories write.

use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, GCounter, LwwMap, LwwRegister, ReplicaId, clock::ManualTime,
};
use proptest::{collection::vec, prelude::*};

/// The start time of every clock in the suite.
pub(super) const NOW_MS: u64 = 1_700_000_000_000;

#[derive(Crdt, Clone, Default)]
pub(super) struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u8, String>,
    likes: GCounter,
    inner: Inner,
}

#[derive(Crdt, Clone, Default)]
pub(super) struct Inner {
    notes: LwwMap<u8, u64>,
}

/// One operation of a transaction. Keys are few, so that operations collide.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Title(u8),
    Card(u8, u8),
    Uncard(u8),
    Like,
    Note(u8, u64),
    Unnote(u8),
}

pub(super) fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        (0..9_u8).prop_map(Op::Title),
        (0..6_u8, any::<u8>()).prop_map(|(key, long)| Op::Card(key, long)),
        (0..6_u8).prop_map(Op::Uncard),
        Just(Op::Like),
        (0..4_u8, 0..9_u64).prop_map(|(key, note)| Op::Note(key, note)),
        (0..4_u8).prop_map(Op::Unnote),
    ];
    vec(op, 1..5)
}

/// Returns a document that uses `time` as its clock.
pub(super) fn doc(replica: u64, time: &ManualTime) -> Doc<Board> {
    Doc::new(Clock::new(ReplicaId::new(replica), time.clone()))
}

/// Returns a document whose clock never advances.
pub(super) fn still(replica: u64) -> Doc<Board> {
    doc(replica, &ManualTime::at(NOW_MS))
}

/// Runs one transaction and returns its delta.
pub(super) fn write(doc: &mut Doc<Board>, ops: &[Op]) -> Delta {
    let written = doc.transact(|tx| {
        for op in ops {
            match op {
                Op::Title(title) => tx.title().set(title.to_string()),
                Op::Card(key, long) => tx.cards().insert(*key, "x".repeat(usize::from(*long))),
                Op::Uncard(key) => tx.cards().remove(key),
                Op::Like => tx.likes().increment(1),
                Op::Note(key, note) => tx.inner().notes().insert(*key, *note),
                Op::Unnote(key) => tx.inner().notes().remove(key),
            }
        }
    });
    written
        .expect("a small transaction is within the limits")
        .delta
}
