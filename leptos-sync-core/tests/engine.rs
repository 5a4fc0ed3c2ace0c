//! The storage of a document: a reader finds every committed edit after any interruption of the
//! writer.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::now;

use leptos_sync_core::{
    Clock, Crdt, Delta, Doc, GCounter, LwwMap, ReplicaId, Root,
    clock::ManualTime,
    engine::{DocStore, Saver, StoreWrite},
    storage::{Batch, MemoryStorage, Scan, Storage},
};
use proptest::prelude::*;

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, String>,
    edits: GCounter,
}

fn clock(replica: u64) -> Clock {
    Clock::new(ReplicaId::new(replica), ManualTime::at(1_000_000))
}

fn open(storage: &MemoryStorage, replica: u64) -> (DocStore<MemoryStorage>, Doc<Notes>) {
    let mut store = DocStore::new(storage.clone(), "notes").unwrap();
    let loaded = now(store.load(clock(replica))).unwrap();
    assert!(loaded.damage.is_empty(), "{:?}", loaded.damage);
    loaded.doc.assert_invariants();
    (store, loaded.doc)
}

fn edit(doc: &mut Doc<Notes>, key: u32, line: &str) -> Delta {
    let edited = doc.transact(|tx| {
        tx.lines().insert(key, line.to_owned());
        tx.edits().increment(1);
    });
    edited.unwrap().delta
}

fn write(store: &mut DocStore<MemoryStorage>, write: StoreWrite) {
    now(store.storage().commit(write.batch)).unwrap();
    store.committed(write.receipt);
}

fn log(store: &mut DocStore<MemoryStorage>, deltas: &[Delta]) {
    let logged = store.log(deltas);
    write(store, logged);
}

fn compact(store: &mut DocStore<MemoryStorage>, doc: &mut Doc<Notes>) {
    let compacted = store.compact(doc).unwrap();
    write(store, compacted);
}

fn bytes(doc: &Doc<Notes>) -> Vec<u8> {
    doc.snapshot().unwrap().encode()
}

#[test]
fn logged_transactions_load_with_the_same_version() {
    let storage = MemoryStorage::new();
    let (mut store, mut doc) = open(&storage, 1);
    let deltas = [edit(&mut doc, 1, "one"), edit(&mut doc, 2, "two")];
    log(&mut store, &deltas);
    let (_, again) = open(&storage, 1);
    assert_eq!(bytes(&again), bytes(&doc));
    assert_eq!(again.version(), doc.version());
}

#[test]
fn compaction_leaves_one_snapshot_and_the_same_document() {
    let storage = MemoryStorage::new();
    let (mut store, mut doc) = open(&storage, 1);
    for key in 0..300 {
        let delta = edit(&mut doc, key, "line");
        log(&mut store, &[delta]);
    }
    assert!(store.wants_compaction());
    for _ in 0..3 {
        compact(&mut store, &mut doc);
        assert!(!store.wants_compaction());
        assert_eq!(now(storage.scan(Scan::all())).unwrap().len(), 1);
    }
    let (_, again) = open(&storage, 2);
    assert_eq!(again.state().lines.len(), 300);
    assert_eq!(again.version(), doc.version());
}

#[test]
fn a_large_document_is_stored_in_chunks_and_its_version_needs_all() {
    let storage = MemoryStorage::new();
    let (mut store, mut doc) = open(&storage, 1);
    for key in 0..40 {
        // The text does not compress well.
        let line: String = (0..10_000_u32)
            .map(|n| {
                char::from(b'a' + (n.wrapping_mul(key + 7).wrapping_mul(2_654_435_761) >> 27) as u8)
            })
            .collect();
        let delta = edit(&mut doc, key, &line);
        log(&mut store, &[delta]);
    }
    compact(&mut store, &mut doc);
    let records = now(storage.scan(Scan::all())).unwrap();
    assert!(records.len() > 4, "{} chunks", records.len());
    let (_, again) = open(&storage, 2);
    assert_eq!(again.version(), doc.version());

    let mut batch = Batch::new();
    batch.put(records[1].0.clone(), b"damaged".to_vec());
    now(storage.commit(batch)).unwrap();
    let mut damaged = DocStore::new(storage.clone(), "notes").unwrap();
    let mut loaded = now(damaged.load::<Notes>(clock(3))).unwrap();
    assert_eq!(loaded.damage.len(), 1);
    assert!(loaded.damage[0].error.is_corrupt());
    assert!(!loaded.doc.state().lines.is_empty());
    assert!(
        loaded.doc.version().is_empty(),
        "the version needs all chunks"
    );
    // The document can still be edited and compacted. The damaged chunk stays for a later repair.
    let delta = edit(&mut loaded.doc, 1_000, "goes on");
    log(&mut damaged, &[delta]);
    compact(&mut damaged, &mut loaded.doc);
    assert_eq!(
        now(storage.get(&records[1].0)).unwrap().as_deref(),
        Some(&b"damaged"[..])
    );
    let again = now(DocStore::new(storage, "notes")
        .unwrap()
        .load::<Notes>(clock(4)))
    .unwrap();
    assert_eq!(
        again.doc.state().lines.len(),
        loaded.doc.state().lines.len()
    );
}

/// The record comes from a server, or from an earlier build with the feature.
#[cfg(not(feature = "deflate"))]
#[test]
fn a_compressed_record_is_preserved_for_a_build_that_can_read_it() {
    let storage = MemoryStorage::new();
    let (mut store, mut doc) = open(&storage, 1);
    let deltas = [edit(&mut doc, 1, &"one ".repeat(500))];
    log(&mut store, &deltas);
    compact(&mut store, &mut doc);
    let (key, envelope) = now(storage.scan(Scan::all())).unwrap().remove(0);
    let body = common::body_of(&envelope);
    let mut squeezed = Vec::with_capacity(body.len());
    flate2::Compress::new(flate2::Compression::fast(), false)
        .compress_vec(body, &mut squeezed, flate2::FlushCompress::Finish)
        .unwrap();
    let compressed = common::sealed_deflated(common::SNAPSHOT, body.len() as u64, &squeezed);
    let mut batch = Batch::new();
    batch.put(key.clone(), compressed.clone());
    now(storage.commit(batch)).unwrap();

    let mut store = DocStore::new(storage.clone(), "notes").unwrap();
    let mut loaded = now(store.load::<Notes>(clock(2))).unwrap();
    let error = &loaded.damage[0].error;
    assert!(error.is_unsupported() && !error.is_corrupt(), "{error:?}");
    assert!(loaded.doc.version().is_empty());
    let deltas = [edit(&mut loaded.doc, 2, "two")];
    log(&mut store, &deltas);
    compact(&mut store, &mut loaded.doc);
    assert_eq!(now(storage.get(&key)).unwrap(), Some(compressed));
}

#[test]
fn compaction_deletes_only_records_it_has_seen() {
    let storage = MemoryStorage::new();
    let (mut left_store, mut left) = open(&storage, 1);
    let (mut right_store, mut right) = open(&storage, 2);
    let deltas = [edit(&mut left, 1, "left")];
    log(&mut left_store, &deltas);
    let deltas = [edit(&mut right, 2, "right")];
    log(&mut right_store, &deltas);
    compact(&mut left_store, &mut left);
    compact(&mut right_store, &mut right);
    let (store, both) = open(&storage, 3);
    assert_eq!(both.state().lines.len(), 2);
    assert!(
        store.wants_compaction(),
        "two snapshots trigger a compaction"
    );
    assert_eq!(both.state().edits.value(), 2);
}

/// A page writes while its document is being loaded. The next snapshot contains these writes and
/// replaces their records.
#[test]
fn edits_logged_during_the_load_are_compacted_with_the_document() {
    let storage = MemoryStorage::new();
    let (mut earlier, mut doc) = open(&storage, 1);
    log(&mut earlier, &[edit(&mut doc, 1, "stored")]);

    let mut store = DocStore::new(storage.clone(), "notes").unwrap();
    let mut early = Doc::<Notes>::new(clock(2));
    log(&mut store, &[edit(&mut early, 2, "before the scan")]);
    let records = now(storage.scan_prefix(store.prefix())).unwrap();
    log(&mut store, &[edit(&mut early, 3, "after the scan")]);
    let mut doc = early;
    assert!(store.read(records, &mut doc).unwrap().is_empty());
    compact(&mut store, &mut doc);

    let records = now(storage.scan(Scan::all())).unwrap();
    assert_eq!(records.len(), 1, "one snapshot and no log");
    let (_, found) = open(&storage, 4);
    assert_eq!(found.state().lines.len(), 3);
    assert_eq!(bytes(&found), bytes(&doc));
}

#[test]
fn documents_in_one_storage_are_independent() {
    let storage = MemoryStorage::new();
    for name in ["a", "ab", "b"] {
        let mut store = DocStore::new(storage.clone(), name).unwrap();
        let mut doc = now(store.load::<Notes>(clock(1))).unwrap().doc;
        assert!(doc.state().lines.is_empty(), "{name}");
        let deltas = [edit(&mut doc, 1, name)];
        log(&mut store, &deltas);
        compact(&mut store, &mut doc);
    }
    assert!(DocStore::new(storage.clone(), "").is_err_and(|error| error.is_limit()));
    assert!(DocStore::new(storage, &"x".repeat(257)).is_err_and(|error| error.is_limit()));
}

#[test]
fn a_clock_continues_after_stored_stamps_however_far_ahead() {
    let storage = MemoryStorage::new();
    let ahead = Clock::new(ReplicaId::new(1), ManualTime::at(1_000_000_000));
    let mut store = DocStore::new(storage.clone(), "notes").unwrap();
    let mut doc = now(store.load::<Notes>(ahead)).unwrap().doc;
    let deltas = [edit(&mut doc, 1, "from the future")];
    log(&mut store, &deltas);
    let (_, mut again) = open(&storage, 1);
    edit(&mut again, 1, "and yet later");
    assert_eq!(
        again.state().lines.get(&1).map(String::as_str),
        Some("and yet later")
    );
}

/// An event during saving.
#[derive(Clone, Copy, Debug)]
enum Step {
    Edit,
    Pump,
    Flush,
    Succeed,
    Fail,
    Retry,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Edit),
        3 => Just(Step::Pump),
        1 => Just(Step::Flush),
        3 => Just(Step::Succeed),
        1 => Just(Step::Fail),
        1 => Just(Step::Retry),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    /// Writes succeed and fail in any order. In the end, everything is stored, nothing was reported
    /// as saved too early, and at most one write was in progress except after a flush.
    #[test]
    fn a_saver_loses_nothing_and_reports_nothing_too_early(steps in steps()) {
        let storage = MemoryStorage::new();
        let (mut store, mut doc) = open(&storage, 1);
        let mut saver = Saver::new();
        let mut under_way: Vec<(u64, StoreWrite)> = Vec::new();
        let (mut edits, mut saved) = (0, 0);
        let settle = [Step::Retry, Step::Flush, Step::Succeed, Step::Flush, Step::Succeed];
        let settled = std::iter::repeat_n(settle, 40).flatten();
        for step in steps.into_iter().chain(settled) {
            match step {
                Step::Edit => {
                    saver.push(edit(&mut doc, edits, "line"));
                    edits += 1;
                }
                Step::Pump => {
                    if let Some((id, deltas)) = saver.next_write() {
                        prop_assert!(under_way.is_empty());
                        under_way.push((id, store.log(&deltas)));
                    }
                }
                Step::Flush => {
                    if let Some((id, deltas)) = saver.flush() {
                        under_way.push((id, store.log(&deltas)));
                    }
                    prop_assert!(!saver.is_waiting());
                }
                Step::Succeed if !under_way.is_empty() => {
                    let (id, logged) = under_way.remove(0);
                    write(&mut store, logged);
                    saver.saved(id);
                    saved = now(DocStore::new(storage.clone(), "notes").unwrap().load::<Notes>(clock(9)))
                        .unwrap()
                        .doc
                        .state()
                        .lines
                        .len();
                }
                Step::Fail if !under_way.is_empty() => saver.failed(under_way.remove(0).0),
                Step::Retry => saver.retry(),
                Step::Succeed | Step::Fail => {}
            }
            prop_assert_eq!(saver.unsaved(), edits as usize - saved);
        }
        prop_assert_eq!(saver.unsaved(), 0);
        let (_, again) = open(&storage, 2);
        prop_assert_eq!(bytes(&again), bytes(&doc));
    }
}

/// Notes as a newer build declares them.
#[derive(Crdt, Clone, Default)]
struct NewerNotes {
    lines: LwwMap<u32, String>,
    edits: GCounter,
    done: LwwMap<u32, bool>,
}

/// An edit or an exchange of two tabs. Afterwards, each writes a snapshot.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Write(usize, u32),
    Remove(usize, u32),
    /// The first tab receives the second one's edits, or vice versa.
    Hear(usize),
    /// Both receive each other's edits, and one of them forgets its tombstones.
    Forget(usize),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let (tab, key) = (0_usize..2, 0_u32..4);
    let turn = prop_oneof![
        3 => (tab.clone(), key.clone()).prop_map(|(tab, key)| Turn::Write(tab, key)),
        3 => (tab.clone(), key).prop_map(|(tab, key)| Turn::Remove(tab, key)),
        1 => tab.clone().prop_map(Turn::Hear),
        2 => tab.prop_map(Turn::Forget),
    ];
    proptest::collection::vec(turn, 0..30)
}

fn hear(tabs: &mut [Doc<NewerNotes>; 2], tab: usize) {
    let delta = tabs[1 - tab].delta_since(tabs[tab].version());
    tabs[tab].apply(&delta.unwrap()).unwrap();
}

fn take(tabs: &mut [Doc<NewerNotes>; 2], turn: Turn) {
    match turn {
        Turn::Write(tab, key) => {
            let edited = tabs[tab].transact(|tx| {
                tx.lines().insert(key, format!("by {tab}"));
                tx.done().insert(key, tab == 0);
                tx.edits().increment(1);
            });
            edited.unwrap();
        }
        Turn::Remove(tab, key) => {
            let edited = tabs[tab].transact(|tx| {
                tx.lines().remove(&key);
                tx.done().remove(&key);
            });
            edited.unwrap();
        }
        Turn::Hear(tab) => hear(tabs, tab),
        Turn::Forget(tab) => {
            hear(tabs, 0);
            hear(tabs, 1);
            let stable = tabs[tab].version().clone();
            tabs[tab].forget_tombstones(&stable);
        }
    }
}

/// Loads the snapshots of both tabs as a build with the type `S` does.
fn load_both<S: Root>(tabs: &mut [Doc<NewerNotes>; 2]) -> (Doc<S>, Doc<S>) {
    let storage = MemoryStorage::new();
    for tab in tabs.iter_mut() {
        let mut store = DocStore::new(storage.clone(), "notes").unwrap();
        let compacted = store.compact(tab).unwrap();
        write(&mut store, compacted);
    }
    let mut store = DocStore::new(storage, "notes").unwrap();
    let loaded = now(store.load::<S>(clock(3))).unwrap().doc;
    loaded.assert_invariants();
    let [mut merged, other] = tabs
        .each_ref()
        .map(|tab| Doc::<S>::load(&tab.snapshot().unwrap(), clock(3)));
    merged.merge(&other).unwrap();
    (loaded, merged)
}

proptest! {
    #[test]
    fn loading_two_snapshots_equals_merging_their_documents(turns in turns()) {
        let mut tabs = [1, 2].map(|replica| Doc::<NewerNotes>::new(clock(replica)));
        for turn in turns {
            take(&mut tabs, turn);
        }
        let (loaded, merged) = load_both::<NewerNotes>(&mut tabs);
        prop_assert_eq!(loaded.snapshot().unwrap(), merged.snapshot().unwrap());
        let lines = loaded.state().lines.clone();
        // A build that does not know the newer map quarantines its cells.
        let (loaded, merged) = load_both::<Notes>(&mut tabs);
        prop_assert_eq!(loaded.snapshot().unwrap(), merged.snapshot().unwrap());
        prop_assert!(loaded.state().lines == lines);
        hear(&mut tabs, 0);
        hear(&mut tabs, 1);
        prop_assert!(tabs.iter().all(|tab| tab.state().lines.len() == lines.len()));
    }
}
