//! Faults found in documents, each with its story.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod model;

use leptos_sync_core::{Crdt, Doc, LwwMap, ReplicaId, VersionVector};
use model::{Board, OldBoard, Op, Peer, doc, send};

fn bytes(doc: &Doc<impl model::Schema>) -> Vec<u8> {
    doc.assert_invariants();
    doc.snapshot().unwrap().encode()
}

/// Ada is offline while Bob removes a card and forgets the tombstone. Then both remove another
/// card, and only Ada forgets it. Each has one card that the other lacks, so the counts are equal,
/// but the cards differ.
#[test]
fn removals_forgotten_on_different_sides_do_not_hide_each_other() {
    let (mut ada, mut bob) = (doc::<Board>(1), doc::<Board>(2));
    ada.edit(&[
        Op::Card(1, "milk".to_owned()),
        Op::Card(2, "eggs".to_owned()),
    ])
    .unwrap();
    send(&ada, &mut bob);
    bob.edit(&[Op::Uncard(1)]).unwrap();
    ada.edit(&[Op::Uncard(2)]).unwrap();
    send(&ada, &mut bob);
    ada.forget_tombstones(&ada.version().clone());
    bob.forget_tombstones(&VersionVector::of(
        ReplicaId::new(2),
        bob.version().get(ReplicaId::new(2)),
    ));
    assert_eq!(
        (ada.state().cards.len(), bob.state().cards.tombstones()),
        (1, 1)
    );

    let changes = ada.merge(&bob).unwrap();
    assert!(
        ada.state().cards.is_empty(),
        "the milk is removed for Ada too"
    );
    assert_eq!(changes.len(), 1);
    bob.merge(&ada).unwrap();
    assert_eq!(bytes(&ada), bytes(&bob));
}

/// Cells at the paths of a [`Board`]'s counters, which only their replicas may write.
#[derive(Crdt, Clone, Default)]
struct Forger {
    likes: LwwMap<String, u64>,
}

/// Mallory overwrites Ada's count. Replicas that see the overwrite lose the count, since no other
/// replica has it. A merge with Bob, who has not seen the overwrite, must not restore it, or
/// replicas would diverge.
#[test]
fn a_forged_count_is_quarantined_and_a_merge_does_not_restore_the_old_one() {
    let (mut ada, mut bob, mut mallory) = (doc::<Board>(1), doc::<Board>(2), doc::<Forger>(3));
    ada.edit(&[Op::Like(5)]).unwrap();
    send(&ada, &mut bob);
    mallory
        // The bytes of this text are the id of replica 1.
        .transact(|tx| tx.likes().insert("\0\0\0\0\0\0\0\x01".to_owned(), 1_000))
        .unwrap();
    ada.apply(&mallory.delta_since(ada.version()).unwrap())
        .unwrap();
    assert_eq!(ada.quarantined().count(), 1);
    assert_eq!(ada.state().likes.value(), 0);

    ada.merge(&bob).unwrap();
    assert_eq!(ada.cells().len(), 1, "one cell per path");
    assert_eq!(ada.state().likes.value(), 0);
    bob.merge(&ada).unwrap();
    assert_eq!(bob.state().likes.value(), 0);
    assert_eq!(bytes(&ada), bytes(&bob));

    ada.edit(&[Op::Like(2)]).unwrap();
    send(&ada, &mut bob);
    assert_eq!(
        (bob.state().likes.value(), bob.quarantined().count()),
        (2, 0)
    );
    assert_eq!(bytes(&ada), bytes(&bob));
}

/// Two old builds receive the same operations on unknown fields, one of them one by one and the
/// other all at once.
#[test]
fn unknown_cells_have_the_same_bytes_however_they_arrived() {
    let mut new = doc::<Board>(1);
    let (mut live, mut late) = (doc::<OldBoard>(2), doc::<OldBoard>(3));
    for (tag, note) in [(1, 10), (2, 20), (3, 30)] {
        let ops = [
            Op::Tag(format!("tag {tag}"), tag),
            Op::Note(tag, note),
            Op::Like(1),
        ];
        live.apply(&new.edit(&ops).unwrap().delta).unwrap();
    }
    send(&new, &mut late);
    assert_eq!(bytes(&live), bytes(&late));
}

/// An old build groups alternating writes to two unknown fields by field, so each path is encoded
/// once.
#[test]
fn unknown_cells_take_no_more_bytes_than_known_ones() {
    let (mut new, mut old) = (doc::<Board>(1), doc::<OldBoard>(2));
    for note in 0..100 {
        let ops = [Op::Tag(note.to_string(), note), Op::Note(note, 7)];
        old.apply(&new.edit(&ops).unwrap().delta).unwrap();
    }
    let (new, old) = (new.snapshot().unwrap(), Peer::snapshot(&old));
    assert!(
        old.bytes() < new.bytes() * 5 / 4,
        "{} bytes of cells became {}",
        new.bytes(),
        old.bytes()
    );
}

/// The key is so long that its path cannot be decoded for the rollback.
#[test]
fn a_key_of_megabytes_is_rolled_back() {
    let mut doc = doc::<Board>(1);
    doc.edit(&[Op::Tag("a".to_owned(), 1)]).unwrap();
    let before = bytes(&doc);
    let error = doc
        .edit(&[Op::Tag("b".to_owned(), 2), Op::Tag("k".repeat(3 << 20), 3)])
        .unwrap_err();
    assert!(error.is_limit(), "{error:?}");
    assert_eq!(doc.state().tags.len(), 1);
    assert_eq!(bytes(&doc), before);
}

/// The caller claims that Bob has seen everything, but he has not.
#[test]
fn unseen_tombstones_are_not_forgotten_whatever_the_caller_passes() {
    let (mut ada, mut bob) = (doc::<Board>(1), doc::<Board>(2));
    let card = Op::Card(1, "milk".to_owned());
    bob.apply(&ada.edit(&[card]).unwrap().delta).unwrap();
    ada.edit(&[Op::Uncard(1)]).unwrap();
    bob.forget_tombstones(ada.version());
    bob.assert_invariants();
    bob.delta_since(bob.version()).unwrap();
    send(&ada, &mut bob);
    assert!(bob.state().cards.is_empty());
    ada.merge(&bob).unwrap();
    assert_eq!(bytes(&ada), bytes(&bob));
}
