//! A storage that fails temporarily. The page retries, and stores everything once the storage
//! works.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Patch, Scratch, set_global, until, with_indexed_db};
use leptos::prelude::*;
use leptos_sync_web::{
    Crdt, LwwMap, SyncOptions, UseDocReturn, provide_sync, status::StorageKind, use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
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

/// Stores the first line.
async fn stored(scratch: &Scratch) {
    let (_owner, notes) = page(scratch);
    until(move || !notes.loading.get()).await;
    notes.doc.lines().insert(1, "stored".to_owned());
    until(move || notes.saved.get()).await;
}

/// Checks the lines that the next page loads.
async fn expect_stored(scratch: &Scratch, lines: &[u32]) {
    let (_owner, notes) = page(scratch);
    until(move || !notes.loading.get()).await;
    assert_eq!(notes.doc.lines().keys().get_untracked(), lines);
    assert!(notes.error.get_untracked().is_none());
}

/// Simulates the return of the network, for example after a laptop wakes up.
fn wake_up() {
    js_sys::eval("dispatchEvent(new Event('online'))").unwrap();
}

const READ_FAILS: &str = "if (!globalThis.failures) return genuine.apply(this, arguments);
     globalThis.failures -= 1;
     throw new DOMException('not now', 'UnknownError')";

#[wasm_bindgen_test]
async fn a_failed_first_read_is_retried_and_nothing_is_lost() {
    let scratch = Scratch::new("once");
    stored(&scratch).await;
    set_global("failures", 2);
    let patch = Patch::method("IDBObjectStore", "getAllKeys", READ_FAILS);
    let (_owner, notes) = page(&scratch);
    notes.doc.lines().insert(2, "typed meanwhile".to_owned());
    until(move || notes.error.get().is_some()).await;
    until(move || !notes.loading.get()).await;
    drop(patch);
    assert_eq!(notes.storage.get_untracked(), StorageKind::IndexedDb);
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1, 2]);
    until(move || notes.saved.get() && notes.error.get().is_none()).await;
    expect_stored(&scratch, &[1, 2]).await;
}

#[wasm_bindgen_test]
async fn a_document_that_stays_unreadable_is_in_memory_until_it_can_be_read() {
    let scratch = Scratch::new("long");
    stored(&scratch).await;
    set_global("failures", 1_000);
    let patch = Patch::method("IDBObjectStore", "getAllKeys", READ_FAILS);
    let (_owner, notes) = page(&scratch);
    until(move || notes.storage.get() == StorageKind::Memory).await;
    notes.doc.lines().insert(2, "in memory".to_owned());
    assert!(!notes.saved.get_untracked() && !notes.loading.get_untracked());
    assert!(notes.error.get_untracked().unwrap().is_storage());
    drop(patch);
    wake_up();
    until(move || notes.storage.get() == StorageKind::IndexedDb && notes.saved.get()).await;
    assert!(notes.error.get_untracked().is_none());
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1, 2]);
    notes.doc.lines().insert(3, "stored at once".to_owned());
    until(move || notes.saved.get()).await;
    expect_stored(&scratch, &[1, 2, 3]).await;
}

#[wasm_bindgen_test]
async fn edits_without_a_database_are_stored_once_there_is_one() {
    let scratch = Scratch::new("later");
    stored(&scratch).await;
    let (_owner, notes) = with_indexed_db("undefined", async || {
        let (owner, notes) = page(&scratch);
        until(move || notes.storage.get() == StorageKind::Memory).await;
        notes.doc.lines().insert(2, "in memory".to_owned());
        (owner, notes)
    })
    .await;
    wake_up();
    until(move || notes.storage.get() == StorageKind::IndexedDb && notes.saved.get()).await;
    assert!(notes.error.get_untracked().is_none());
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1, 2]);
    expect_stored(&scratch, &[1, 2]).await;
}

/// The user clears the site's data in another tab, or the browser evicts it.
#[wasm_bindgen_test]
async fn a_database_deleted_under_an_open_page_is_written_again() {
    let scratch = Scratch::new("deleted");
    stored(&scratch).await;
    let (_owner, notes) = page(&scratch);
    until(move || !notes.loading.get()).await;
    notes.doc.lines().insert(2, "stored, too".to_owned());
    until(move || notes.saved.get()).await;
    scratch.delete().await;
    assert_eq!(notes.storage.get_untracked(), StorageKind::Memory);
    until(move || notes.storage.get() == StorageKind::IndexedDb && notes.saved.get()).await;
    expect_stored(&scratch, &[1, 2]).await;
    assert!(notes.error.get_untracked().is_none());
    notes.doc.lines().insert(3, "goes on".to_owned());
    until(move || notes.saved.get()).await;
    expect_stored(&scratch, &[1, 2, 3]).await;
}
