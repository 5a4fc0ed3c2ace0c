//! An exported document is complete once all its chunks are imported, in any order.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::collections::BTreeSet;

use common::doc;
use leptos_sync_core::{
    Crdt, Doc, Export, GCounter, Import, LwwMap, LwwRegister, ReplicaId, VersionVector, limits,
};
use proptest::{collection::vec, prelude::*, sample::Index};

#[derive(Crdt, Clone, Default, PartialEq, Debug)]
struct Board {
    title: LwwRegister<String>,
    cards: LwwMap<u8, String>,
    likes: GCounter,
}

/// The size of a chunk in these tests: a few cells.
const CHUNK: usize = 32;

fn card(doc: &mut Doc<Board>, key: u8, text: &str) {
    doc.transact(|tx| tx.cards().insert(key, text.to_owned()))
        .unwrap();
}

/// Creates a board with several chunks.
fn board(replica: u64) -> Doc<Board> {
    let mut board = doc::<Board>(replica);
    (0..20).for_each(|key| card(&mut board, key, &format!("card {key} of {replica}")));
    board
        .transact(|tx| {
            tx.title().set("Groceries".to_owned());
            tx.likes().increment(3);
        })
        .unwrap();
    board
}

/// Returns the cells, sorted by path.
fn cells(doc: &Doc<Board>) -> BTreeSet<String> {
    doc.assert_invariants();
    let snapshot = doc.snapshot().unwrap();
    let groups = snapshot.cells().groups();
    groups
        .flat_map(|group| {
            let parent = group.parent().to_owned();
            group
                .cells()
                .map(move |cell| format!("{parent:?} {cell:?}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn take(doc: &mut Doc<Board>, import: &mut Import, export: &Export, index: u32) {
    doc.import(import, &export.chunk(index).unwrap()).unwrap();
}

#[test]
fn an_import_reports_its_progress_and_missing_chunks() {
    let ada = board(1);
    let export = ada.export_in(CHUNK).unwrap();
    let chunks = export.chunks();
    assert!(chunks > 5, "{chunks} chunks");
    assert!(export.chunk(chunks).is_none());
    let (mut bob, mut import) = (doc::<Board>(2), Import::new());
    assert_eq!((import.chunks(), import.is_complete()), (None, false));

    take(&mut bob, &mut import, &export, 3);
    take(&mut bob, &mut import, &export, 0);
    take(&mut bob, &mut import, &export, 3);
    assert_eq!((import.chunks(), import.imported()), (Some(chunks), 2));
    let missing: Vec<_> = import.missing().collect();
    let expected: Vec<_> = (0..chunks)
        .filter(|index| ![0, 3].contains(index))
        .collect();
    assert_eq!(missing, expected);
    assert!(!bob.state().cards.is_empty(), "imported cells are visible");
    assert!(bob.version().is_empty(), "a partial import claims nothing");

    missing
        .into_iter()
        .for_each(|index| take(&mut bob, &mut import, &export, index));
    assert!(import.is_complete());
    assert_eq!(import.bytes(), export.bytes());
    assert_eq!(bob.version(), ada.version());
    assert_eq!(bob.state(), ada.state());
}

#[test]
fn an_export_reports_its_progress_and_ignores_later_edits() {
    let mut ada = board(1);
    let export = ada.export_in(CHUNK).unwrap();
    let chunks: Vec<_> = (0..export.chunks())
        .map(|index| export.chunk(index))
        .collect();
    card(&mut ada, 3, "later");
    for (index, chunk) in (0..).zip(&chunks) {
        assert!(export.bytes_before(index) < export.bytes_before(index + 1));
        assert_eq!(&export.chunk(index), chunk);
    }
    assert_eq!(export.bytes_before(0), 0);
    assert_eq!(export.bytes_before(export.chunks()), export.bytes());
}

/// Both sides restart after the page was closed. No chunk that was sent before is lost.
#[test]
fn an_export_of_an_unchanged_document_resumes_an_earlier_one() {
    let ada = board(1);
    let first = ada.export_in(CHUNK).unwrap();
    let (mut bob, mut import) = (doc::<Board>(2), Import::new());
    take(&mut bob, &mut import, &first, 0);
    drop(first);
    let second = ada.fork(ReplicaId::new(9)).export_in(CHUNK).unwrap();
    (1..second.chunks()).for_each(|index| take(&mut bob, &mut import, &second, index));
    assert!(import.is_complete());
    assert_eq!(bob.state(), ada.state());
}

#[test]
fn an_empty_document_is_one_chunk() {
    let export = doc::<Board>(1).export().unwrap();
    assert_eq!((export.chunks(), export.bytes()), (1, 0));
    let (mut bob, mut import) = (doc::<Board>(2), Import::new());
    take(&mut bob, &mut import, &export, 0);
    assert!(import.is_complete());
}

#[test]
fn a_chunk_exceeds_the_limit_by_at_most_one_cell() {
    let mut ada = doc::<Board>(1);
    let text = "x".repeat(10_000);
    (0..30).for_each(|key| card(&mut ada, key, &text));
    let export = ada.export_in(usize::MAX).unwrap();
    assert_eq!(export.chunks(), 5);
    for index in 0..export.chunks() {
        let bytes = export.bytes_before(index + 1) - export.bytes_before(index);
        assert!(bytes <= limits::CHUNK_BYTES + 10_100, "{bytes}");
    }
}

#[test]
fn a_chunk_of_another_export_is_rejected_by_index_and_changes_nothing() {
    let (mut ada, carol) = (board(1), board(3));
    let export = ada.export_in(CHUNK).unwrap();
    card(&mut ada, 3, "later");
    let later = ada.export_in(CHUNK).unwrap();
    let finer = carol.export_in(CHUNK / 2).unwrap();
    let (mut bob, mut import) = (doc::<Board>(2), Import::new());
    take(&mut bob, &mut import, &export, 0);
    let before = cells(&bob);
    for foreign in [&later, &carol.export_in(CHUNK).unwrap(), &finer] {
        let error = bob
            .import(&mut import, &foreign.chunk(1).unwrap())
            .unwrap_err();
        let name = format!("chunk 1 of {}", foreign.chunks());
        assert!(
            error.is_corrupt() && error.to_string().contains(&name),
            "{error}"
        );
    }
    assert_eq!((import.imported(), cells(&bob)), (1, before));
    (1..export.chunks()).for_each(|index| take(&mut bob, &mut import, &export, index));
    assert!(import.is_complete());
}

#[test]
fn a_damaged_chunk_is_rejected_by_index_if_that_is_readable() {
    let ada = board(1);
    let export = ada.export_in(CHUNK).unwrap();
    let chunk = export.chunk(2).unwrap();
    let (mut bob, mut import) = (doc::<Board>(2), Import::new());
    let mut named = 0;
    for at in 0..chunk.len() {
        let mut damaged = chunk.clone();
        damaged[at] ^= 0x10;
        let error = bob.import(&mut import, &damaged).unwrap_err();
        assert!(
            error.is_corrupt() || error.is_unsupported(),
            "{at}: {error}"
        );
        assert!(
            error.to_string().starts_with("chunk ")
                || error.to_string().starts_with("a chunk with"),
            "{error}"
        );
        named += usize::from(error.to_string().starts_with("chunk 2 of "));
    }
    assert!(named + 12 > chunk.len(), "{named} of {}", chunk.len());
    for end in 0..chunk.len() {
        assert!(
            bob.import(&mut import, &chunk[..end])
                .unwrap_err()
                .is_corrupt()
        );
    }
    assert_eq!((import.chunks(), cells(&bob).len()), (None, 0));
    // Import data that is not an envelope.
    let delta = ada.delta_since(&VersionVector::new()).unwrap();
    assert!(
        bob.import(&mut import, &delta.encode())
            .unwrap_err()
            .is_corrupt()
    );
}

#[test]
fn chunks_imported_into_two_documents_complete_neither() {
    let export = board(1).export_in(CHUNK).unwrap();
    let (mut bob, mut carol, mut import) = (doc::<Board>(2), doc::<Board>(3), Import::new());
    take(&mut bob, &mut import, &export, 0);
    let error = carol
        .import(&mut import, &export.chunk(1).unwrap())
        .unwrap_err();
    assert!(
        error.is_gap() && error.to_string().contains("chunk 1 of"),
        "{error}"
    );
    assert!(carol.version().is_empty() && cells(&carol).is_empty());
}

#[test]
fn an_import_rejects_with_its_first_chunk_what_a_merge_rejects() {
    let ada = board(1);
    let export = ada.export_in(CHUNK).unwrap();
    // The document imports an old copy of itself with the same id. Later edits may be lost, so it
    // must not continue under this id.
    let mut again = doc::<Board>(1);
    let error = again.import(&mut Import::new(), &export.chunk(4).unwrap());
    assert!(error.unwrap_err().is_replica_reused());
    assert!(cells(&again).is_empty());
    again.set_replica(ReplicaId::new(5));
    let mut import = Import::new();
    (0..export.chunks()).for_each(|index| take(&mut again, &mut import, &export, index));
    assert_eq!(again.state(), ada.state());
}

/// Bob has a card whose tombstone Ada has forgotten. None of her chunks contains it, so it is
/// removed with the last one.
#[test]
fn the_last_chunk_removes_what_the_export_has_forgotten() {
    let mut ada = board(1);
    let mut bob = doc::<Board>(2);
    bob.apply(&ada.delta_since(bob.version()).unwrap()).unwrap();
    ada.transact(|tx| tx.cards().remove(&7)).unwrap();
    ada.forget_tombstones(&ada.version().clone());
    let export = ada.export_in(CHUNK).unwrap();
    let mut import = Import::new();
    (1..export.chunks()).for_each(|index| take(&mut bob, &mut import, &export, index));
    assert!(bob.state().cards.contains(&7));
    let changes = bob.import(&mut import, &export.chunk(0).unwrap()).unwrap();
    assert_eq!(changes.len(), 1, "the removal is reported");
    assert_eq!(bob.state(), ada.state());
    assert!(bob.merge(&ada).unwrap().is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    /// A chunk arrives, possibly again.
    Chunk(Index),
    /// A chunk arrives with a damaged byte.
    Damaged(Index, Index),
    /// The importing side edits.
    Card(u8, String),
    Uncard(u8),
    Like,
    /// A delta arrives from a third replica that has seen a part of the export.
    Delta,
    /// The import is interrupted and restarted.
    Anew,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any::<Index>().prop_map(Step::Chunk),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(chunk, at)| Step::Damaged(chunk, at)),
        2 => (0..12_u8, "[a-z]{1,8}").prop_map(|(key, text)| Step::Card(key, text)),
        2 => (0..12_u8).prop_map(Step::Uncard),
        1 => Just(Step::Like),
        1 => Just(Step::Delta),
        1 => Just(Step::Anew),
    ]
}

/// Generates the edits before the export: the replica, the card, and whether it is inserted or
/// removed.
fn edits() -> impl Strategy<Value = Vec<(usize, u8, bool)>> {
    vec((0..3_usize, 0..12_u8, any::<bool>()), 0..60)
}

fn edit(doc: &mut Doc<Board>, key: u8, comes: bool) {
    doc.transact(|tx| {
        if comes {
            tx.cards().insert(key, format!("card {key}"));
        } else {
            tx.cards().remove(&key);
        }
        tx.likes().increment(1);
    })
    .unwrap();
}

proptest! {
    #[test]
    fn an_interrupted_import_in_any_order_beside_edits_equals_a_merge(
        before in edits(),
        since in edits(),
        forgets in any::<bool>(),
        chunk in 1..64_usize,
        steps in vec(step(), 0..40),
    ) {
        let mut docs = [doc::<Board>(1), doc::<Board>(2), doc::<Board>(3)];
        for (who, key, comes) in before {
            edit(&mut docs[who], key, comes);
        }
        let [mut ada, mut bob, mut carol] = docs;
        bob.merge(&ada).unwrap();
        ada.merge(&bob).unwrap();
        carol.merge(&ada).unwrap();
        for (who, key, comes) in since {
            edit([&mut ada, &mut bob, &mut carol][who], key, comes);
        }
        if forgets {
            ada.forget_tombstones(&ada.version().clone());
        }
        let export = ada.export_in(chunk).unwrap();
        let mut import = Import::new();
        // The version that Bob has reached apart from the import.
        let mut seen = bob.version().clone();
        for step in steps {
            match step {
                Step::Chunk(index) => take(&mut bob, &mut import, &export, index.index(export.chunks() as usize) as u32),
                Step::Damaged(index, at) => {
                    let mut bytes = export.chunk(index.index(export.chunks() as usize) as u32).unwrap();
                    let at = at.index(bytes.len());
                    bytes[at] ^= 0x40;
                    let untouched = (cells(&bob), bob.version().clone(), import.imported());
                    prop_assert!(bob.import(&mut import, &bytes).is_err());
                    prop_assert_eq!(untouched, (cells(&bob), bob.version().clone(), import.imported()));
                }
                Step::Card(key, text) => card(&mut bob, key, &text),
                Step::Uncard(key) => drop(bob.transact(|tx| tx.cards().remove(&key)).unwrap()),
                Step::Like => drop(bob.transact(|tx| tx.likes().increment(1)).unwrap()),
                Step::Delta => {
                    edit(&mut carol, 5, true);
                    let delta = carol.delta_since(bob.version()).unwrap();
                    bob.apply(&delta).unwrap();
                    seen.join(delta.upto());
                }
                Step::Anew => import = Import::new(),
            }
            seen.include(bob.replica(), bob.version().get(bob.replica()));
            if import.is_complete() {
                seen.join(ada.version());
            }
            prop_assert_eq!(bob.version(), &seen, "the version claims exactly what is contained");
            bob.assert_invariants();
        }
        // If the import were interrupted here, merging the rest must have the same result.
        let mut broken_off = bob.fork(ReplicaId::new(9));
        broken_off.merge(&ada).unwrap();
        let missing: Vec<_> = match import.chunks() {
            Some(_) => import.missing().collect(),
            None => (0..export.chunks()).rev().collect(),
        };
        for index in missing {
            take(&mut bob, &mut import, &export, index);
        }
        prop_assert!(import.is_complete());
        prop_assert_eq!(cells(&bob), cells(&broken_off));
        prop_assert!(bob.merge(&ada).unwrap().is_empty(), "a merge changes nothing more");
        prop_assert_eq!(cells(&bob), cells(&broken_off));
    }
}
