//! Documents stored in the browser's IndexedDB: opening, saving, reloading.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use any_spawner::Executor;
use common::{Patch, Scratch, with_indexed_db};
use futures::StreamExt;
use leptos::{prelude::*, task::tick};
use leptos_sync_core::{
    engine::ReplicaStore,
    limits,
    replica::Replica,
    storage::{Batch, Scan, Storage},
};
use leptos_sync_web::{
    Clock, Crdt, Doc, LwwMap, LwwRegister, ReplicaId, SyncOptions, Tx, UseDocReturn, provide_sync,
    status::{Reason, StatusSignal, StorageKind},
    use_doc,
};
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
    title: LwwRegister<String>,
    lines: LwwMap<u32, String>,
}

/// `Notes` before it had a title.
#[derive(Crdt, Clone, Default)]
struct OlderNotes {
    lines: LwwMap<u32, String>,
}

/// Opens the notes, like a page that was just loaded.
fn page(scratch: &Scratch) -> (Owner, UseDocReturn<Notes>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let notes = owner.with(|| {
        provide_sync(SyncOptions::default().database(scratch.name()));
        use_doc::<Notes>("notes")
    });
    owner.set();
    (owner, notes)
}

/// Waits until a signal has `value`.
async fn until<T: PartialEq + Send + Sync + 'static>(signal: StatusSignal<T>, value: T) {
    let (tell, mut told) = futures::channel::mpsc::unbounded();
    let effect = Effect::new(move || {
        if signal.with(|now| *now == value) {
            let _ = tell.unbounded_send(());
        }
    });
    told.next().await;
    effect.stop();
}

#[wasm_bindgen_test]
async fn edits_survive_a_reload() {
    let scratch = Scratch::new("again");
    let (_owner, notes) = page(&scratch);
    assert!(notes.loading.get_untracked());
    until(notes.loading, false).await;
    assert_eq!(notes.storage.get_untracked(), StorageKind::IndexedDb);
    notes.doc.title().set("Groceries".to_owned());
    notes.doc.lines().insert(1, "milk".to_owned());
    assert_eq!(
        (notes.saved.get_untracked(), notes.unsaved.get_untracked()),
        (false, 2)
    );
    until(notes.saved, true).await;

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.title().get_untracked(), "Groceries");
    assert_eq!(
        again.doc.lines().entry(1).get_untracked().as_deref(),
        Some("milk")
    );
    assert!(again.error.get_untracked().is_none());
}

/// The browser may freeze a page that was just hidden. Its transaction would block all other tabs.
#[wasm_bindgen_test]
async fn a_page_that_is_hidden_begins_no_transaction_if_everything_is_stored() {
    let count = "globalThis.begun += 1; return genuine.apply(this, arguments)";
    let _counted = Patch::method("IDBDatabase", "transaction", count);
    let hide = "globalThis.begun = 0; dispatchEvent(new Event('pagehide')); globalThis.begun";
    let scratch = Scratch::new("hidden");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    notes.doc.title().set("Groceries".to_owned());
    until(notes.saved, true).await;
    assert_eq!(js_sys::eval(hide).unwrap(), 0);
    notes.doc.title().set("Groceries for today".to_owned());
    notes.doc.title().set("Groceries for tomorrow".to_owned());
    assert_ne!(js_sys::eval(hide).unwrap(), 0);
    until(notes.saved, true).await;
}

/// `saved` changes once for several edits, `unsaved` with each.
#[wasm_bindgen_test]
async fn a_status_signal_notifies_only_on_changes() {
    let scratch = Scratch::new("status");
    let (owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    let seen = StoredValue::new(Vec::<bool>::new());
    owner.with(|| {
        let saved: Signal<bool> = notes.saved.into();
        Effect::new(move || seen.update_value(|seen| seen.push(saved.get())));
    });
    Executor::tick().await;
    for line in 0..3 {
        notes.doc.lines().insert(line, "milk".to_owned());
        assert_eq!(notes.unsaved.get_untracked(), line as usize + 1);
        Executor::tick().await;
    }
    until(notes.saved, true).await;
    Executor::tick().await;
    assert_eq!(seen.get_value(), [true, false, true]);
    assert!(notes.error.get_untracked().is_none());
}

#[wasm_bindgen_test]
async fn edits_made_while_the_document_is_loading_are_merged_with_it() {
    let scratch = Scratch::new("early");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    notes.doc.lines().insert(1, "stored".to_owned());
    until(notes.saved, true).await;

    let (_owner, early) = page(&scratch);
    early.doc.lines().insert(2, "typed at once".to_owned());
    until(early.loading, false).await;
    assert_eq!(early.doc.lines().keys().get_untracked(), [1, 2]);
    until(early.saved, true).await;

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked(), [1, 2]);
}

/// No delta expresses what a load adds.
#[wasm_bindgen_test]
async fn a_stream_of_changes_ends_when_the_document_is_loaded() {
    let scratch = Scratch::new("followed");
    let (_owner, notes) = page(&scratch);
    let mut changes = notes.live.changes();
    until(notes.loading, false).await;
    assert!(changes.next().await.is_none());
    let mut changes = notes.live.changes();
    notes.doc.lines().insert(1, "followed".to_owned());
    let mut copy = Doc::<Notes>::new(Clock::system(ReplicaId::new(7)));
    copy.apply(&changes.next().await.unwrap().unwrap()).unwrap();
    assert_eq!(copy.state().lines.len(), 1);
}

#[wasm_bindgen_test]
async fn edits_are_written_before_the_document_is_loaded() {
    let scratch = Scratch::new("unloaded");
    let unreadable = Patch::method(
        "IDBObjectStore",
        "getAllKeys",
        "throw new DOMException('no', 'DataError')",
    );
    let (_owner, notes) = page(&scratch);
    notes.doc.lines().insert(1, "typed at once".to_owned());
    let error = notes.error;
    common::until(move || error.get().is_some()).await;
    assert!(notes.loading.get_untracked());
    drop(unreadable);
    let storage = scratch.open().await;
    assert_eq!(storage.scan_prefix(b"R").await.unwrap().len(), 1);

    until(notes.loading, false).await;
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1]);
    notes.doc.lines().insert(2, "later".to_owned());
    until(notes.saved, true).await;
    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked(), [1, 2]);
}

/// After the error, the document is in memory only, and must not be reported as saved when an
/// earlier write ends.
#[wasm_bindgen_test]
async fn a_load_error_stays_visible_after_a_successful_write() {
    let scratch = Scratch::new("unreadable");
    let (_owner, notes) = page(&scratch);
    let live = notes.live.clone();
    let edit = Closure::<dyn Fn()>::new(move || {
        let edit = |tx: &mut Tx<'_, Notes>| tx.lines().insert(1, "typed meanwhile".to_owned());
        live.transact(edit).unwrap();
    });
    js_sys::Reflect::set(&js_sys::global(), &"edit".into(), edit.as_ref()).unwrap();
    let unreadable = Patch::method(
        "IDBObjectStore",
        "getAllKeys",
        "queueMicrotask(globalThis.edit); throw new DOMException('no', 'DataError')",
    );
    until(notes.loading, false).await;
    drop(unreadable);
    // This operation is queued after the write, so the write has ended.
    let storage = scratch.open().await;
    let written = storage.scan_prefix(b"R").await.unwrap();
    Executor::tick().await;
    assert!(!written.is_empty());
    assert_eq!(notes.storage.get_untracked(), StorageKind::Memory);
    assert!(notes.error.get_untracked().is_some());
    assert!(!notes.saved.get_untracked());
}

#[wasm_bindgen_test]
async fn two_pages_that_edit_concurrently_both_keep_their_edits() {
    let scratch = Scratch::new("two");
    let (_left_owner, left) = page(&scratch);
    let (_right_owner, right) = page(&scratch);
    until(left.loading, false).await;
    until(right.loading, false).await;
    for key in 0..20 {
        left.doc.lines().insert(key, "left".to_owned());
        right.doc.lines().insert(100 + key, "right".to_owned());
        tick().await;
    }
    until(left.saved, true).await;
    until(right.saved, true).await;
    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked().len(), 40);
}

#[wasm_bindgen_test]
async fn compacting_a_long_log_keeps_concurrent_edits_of_another_page() {
    let scratch = Scratch::new("compaction");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    let (_other_owner, other) = page(&scratch);
    until(other.loading, false).await;
    other
        .doc
        .lines()
        .insert(1_000_000, "from another page".to_owned());
    until(other.saved, true).await;
    for key in 0..300 {
        notes.doc.lines().insert(key, format!("line {key}"));
        until(notes.saved, true).await;
    }
    let storage = scratch.open().await;
    let documents = Scan::prefix(b"R");
    // Expect at most ten more writes during the compaction, and one of the other page.
    let mut records = usize::MAX;
    for _ in 0..100 {
        records = storage.scan(documents.clone()).await.unwrap().len();
        if records < 100 {
            break;
        }
    }
    assert!(records < 100, "{records} records are left");

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked().len(), 301);
    assert!(again.error.get_untracked().is_none());
}

/// Version 1 is not read.
#[wasm_bindgen_test]
async fn data_of_an_older_version_is_kept_and_reported() {
    let scratch = Scratch::new("version-1");
    let storage = scratch.open().await;
    let mut batch = Batch::new();
    let old = [b"D\0\x05notes", &[1; 17][..]].concat();
    batch.put(old.clone(), b"a log record".to_vec());
    storage.commit(batch).await.unwrap();

    let (_owner, notes) = page(&scratch);
    common::until(move || notes.error.get().is_some()).await;
    let error = notes.error.get_untracked().unwrap();
    assert!(error.to_string().contains("older version"), "{error}");
    notes.doc.lines().insert(1, "new".to_owned());
    until(notes.saved, true).await;
    assert!(storage.get(&old).await.unwrap().is_some());

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked(), [1]);
    assert!(again.error.get_untracked().is_none(), "it was said once");
}

/// A full database accepts no snapshot either. The page reports it and does not retry endlessly.
#[wasm_bindgen_test]
async fn a_failed_compaction_waits_for_the_next_write_or_a_delay() {
    let scratch = Scratch::new("full");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    // Only a compaction deletes records.
    let full = Patch::method(
        "IDBObjectStore",
        "delete",
        "globalThis.refused = (globalThis.refused ?? 0) + 1;
         throw new DOMException('full', 'QuotaExceededError')",
    );
    let refused = || common::global("refused").unwrap_or(0.0);
    let before = refused();
    let mut written = 0;
    while refused() == before {
        assert!(written < 1_000, "the log of {written} records is compacted");
        notes.doc.lines().insert(written, format!("line {written}"));
        let (saved, error) = (notes.saved, notes.error);
        common::until(move || saved.get() || error.get().is_some()).await;
        written += 1;
    }
    while notes.error.get_untracked().is_none() {
        common::sleep(0).await;
    }
    assert!(notes.error.get_untracked().unwrap().is_quota());
    let first = refused();
    for _ in 0..100 {
        common::sleep(0).await;
    }
    // The timer may have fired once.
    assert!(refused() <= first + 1.0, "{first}, {}", refused());
    drop(full);
    notes
        .doc
        .lines()
        .insert(written, "there is room".to_owned());
    written += 1;
    until(notes.saved, true).await;
    assert!(notes.error.get_untracked().is_none());

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    let lines = again.doc.lines().keys().get_untracked().len();
    assert_eq!(lines, written as usize);
}

/// The document is complete in memory, but not on this device, and the user has to know that.
#[wasm_bindgen_test]
async fn a_write_that_the_browser_aborts_is_reported_at_once_and_retried_without_another_edit() {
    let scratch = Scratch::new("aborted");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    let aborted = Patch::method(
        "IDBObjectStore",
        "put",
        "throw new DOMException('full', 'QuotaExceededError')",
    );
    notes.doc.lines().insert(1, "unsaved".to_owned());
    let error = notes.error;
    common::until(move || error.get().is_some_and(|error| error.is_quota())).await;
    assert_eq!(notes.unsaved.get_untracked(), 1);
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1]);
    drop(aborted);
    until(notes.saved, true).await;
    assert!(notes.error.get_untracked().is_none());
}

#[wasm_bindgen_test]
async fn without_storage_the_page_works_in_memory_and_reports_it() {
    let scratch = Scratch::new("blocked");
    with_indexed_db("undefined", async || {
        let (_owner, notes) = page(&scratch);
        notes.doc.title().set("before".to_owned());
        until(notes.loading, false).await;
        assert_eq!(notes.storage.get_untracked(), StorageKind::Memory);
        assert!(notes.error.get_untracked().unwrap().is_unavailable());
        notes
            .doc
            .title()
            .update(|title| title.push_str(" and after"));
        assert_eq!(notes.doc.title().get_untracked(), "before and after");
        assert!(
            !notes.saved.get_untracked(),
            "nothing is saved, and the status says so"
        );
    })
    .await;
}

#[wasm_bindgen_test]
async fn a_damaged_record_is_reported_and_preserved_and_the_rest_is_loaded() {
    let scratch = Scratch::new("damage");
    let storage = scratch.open().await;
    let mut store = ReplicaStore::new(scratch.open().await, "notes").unwrap();
    let mut replica = Replica::<Notes>::new(Clock::system(ReplicaId::default()));
    for key in 0..3 {
        let edit = |tx: &mut Tx<'_, Notes>| tx.lines().insert(key, "line".to_owned());
        replica.transact(edit).unwrap();
    }
    let write = store.save(&mut replica).unwrap();
    assert!(
        storage
            .commit_if(write.expected, write.batch)
            .await
            .unwrap()
    );
    let records = storage.scan(Scan::prefix(b"R")).await.unwrap();
    // The entries follow the marker and the progress.
    let (key, mut value) = records[3].clone();
    let last = value.len() - 1;
    value[last] ^= 1;
    let mut batch = Batch::new();
    batch.put(key.clone(), value.clone());
    storage.commit(batch).await.unwrap();

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked(), [0, 2]);
    assert!(again.error.get_untracked().unwrap().is_storage());
    again.doc.lines().insert(3, "goes on".to_owned());
    until(again.saved, true).await;
    assert!(again.error.get_untracked().unwrap().is_storage());
    assert_eq!(storage.get(&key).await.unwrap(), Some(value));
}

#[wasm_bindgen_test]
async fn an_older_build_preserves_unknown_fields() {
    let scratch = Scratch::new("older");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    notes.doc.title().set("from a newer build".to_owned());
    until(notes.saved, true).await;

    // The older build loads, edits and compacts.
    let mut store = ReplicaStore::new(scratch.open().await, "notes").unwrap();
    let clock = Clock::system(ReplicaId::new(77));
    let mut older = store.load::<OlderNotes>(clock).await.unwrap().replica;
    older
        .transact(|tx| tx.lines().insert(1, "from an older build".to_owned()))
        .unwrap();
    older.absorb_entries();
    let write = store.compact(&mut older).unwrap();
    let committed = store.storage().commit_if(write.expected, write.batch);
    assert!(committed.await.unwrap());

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.title().get_untracked(), "from a newer build");
    assert_eq!(again.doc.lines().keys().get_untracked(), [1]);
}

#[wasm_bindgen_test]
async fn an_edit_that_this_device_rejects_is_listed_until_it_is_dismissed() {
    let scratch = Scratch::new("refused");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    notes.doc.title().set("x".repeat(1 << 20));
    assert_eq!(notes.doc.title().get_untracked(), "");
    assert!(
        notes.error.get_untracked().is_none(),
        "`error` concerns storage only"
    );
    notes.doc.title().set("shorter".to_owned());
    until(notes.saved, true).await;
    let rejected = notes.rejected.get_untracked();
    let rejection = rejected.first().unwrap();
    assert_eq!((rejected.len(), rejected.dropped()), (1, 0));
    assert!(rejection.is_local() && rejection.reason() == Reason::Limit);
    let state = rejection.state::<Notes>().unwrap();
    assert_eq!(state.title.get().len(), 1 << 20, "the user can keep it");
    rejection.dismiss();
    assert!(notes.rejected.get_untracked().is_empty());
}

#[wasm_bindgen_test]
async fn the_list_of_rejections_is_bounded_and_counts_what_it_dropped() {
    let scratch = Scratch::new("rejections");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    for _ in 0..limits::REJECTIONS + 3 {
        notes.doc.title().set("x".repeat(1 << 20));
    }
    let rejected = notes.rejected.get_untracked();
    assert_eq!(
        (rejected.len(), rejected.dropped()),
        (limits::REJECTIONS, 3)
    );
    rejected.dismiss_all();
    let rejected = notes.rejected.get_untracked();
    assert_eq!((rejected.len(), rejected.dropped()), (0, 0));
}

/// Such a log triggers a compaction immediately, which must wait for the load.
#[wasm_bindgen_test]
async fn a_document_with_a_large_first_edit_is_loaded() {
    let scratch = Scratch::new("large");
    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    notes.doc.title().set("stored".to_owned());
    until(notes.saved, true).await;

    // Open the document in a running page, which loads it immediately.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let other = owner.with(|| {
        provide_sync(SyncOptions::default().database(scratch.name()));
        use_doc::<Notes>("others")
    });
    owner.set();
    until(other.loading, false).await;
    let large = owner.with(|| use_doc::<Notes>("notes"));
    let lines = |tx: &mut Tx<'_, Notes>| {
        for line in 0..4 {
            tx.lines().insert(line, "x".repeat(limits::VALUE_BYTES / 2));
        }
    };
    large.live.transact(lines).unwrap();
    until(large.loading, false).await;
    assert_eq!(large.doc.title().get_untracked(), "stored");
    until(large.saved, true).await;

    let (_owner, again) = page(&scratch);
    until(again.loading, false).await;
    assert_eq!(again.doc.lines().keys().get_untracked().len(), 4);
    assert_eq!(again.doc.title().get_untracked(), "stored");
}

/// Without a relay, no older edit can arrive once this is the only tab.
#[wasm_bindgen_test]
async fn the_only_page_of_a_document_without_a_relay_forgets_removals() {
    let scratch = Scratch::new("removals");
    let mut store = ReplicaStore::new(scratch.open().await, "notes").unwrap();
    let mut before = Replica::<Notes>::new(Clock::system(ReplicaId::default()));
    for key in 0..2 {
        before
            .transact(|tx| tx.lines().insert(key, "line".to_owned()))
            .unwrap();
    }
    before.transact(|tx| tx.lines().remove(&0)).unwrap();
    let write = store.save(&mut before).unwrap();
    let committed = store.storage().commit_if(write.expected, write.batch);
    assert!(committed.await.unwrap());
    store.committed(&mut before);
    before.absorb_entries();
    let write = store.compact(&mut before).unwrap();
    let committed = store.storage().commit_if(write.expected, write.batch);
    assert!(committed.await.unwrap());

    let (_owner, notes) = page(&scratch);
    until(notes.loading, false).await;
    let cells = || notes.live.snapshot().unwrap().len();
    assert_eq!(cells(), 2, "a line and a removal");
    while cells() > 1 {
        common::sleep(1).await;
    }
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1]);
}
