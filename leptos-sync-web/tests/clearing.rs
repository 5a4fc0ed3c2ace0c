//! The app deletes a user's data from the browser, while pages have it open.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Relay, Scratch, Tab, sleep, until};
use leptos::prelude::*;
use leptos_sync_core::{
    storage::{Scan, Storage as _},
    sync::{Permission, TabMessageKind},
};
use leptos_sync_web::{
    Crdt, LwwMap, SyncOptions, UseDocReturn, provide_sync,
    status::StorageKind,
    storage::{IndexedDbStorage, clear_local},
    use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, String>,
}

/// Opens the notes, like a page that was just loaded.
fn page(options: SyncOptions) -> (Owner, UseDocReturn<Notes>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let notes = owner.with(|| {
        provide_sync(options);
        use_doc::<Notes>("notes")
    });
    owner.set();
    (owner, notes)
}

fn local(scratch: &Scratch) -> SyncOptions {
    SyncOptions::default().database(scratch.name())
}

fn write(notes: &UseDocReturn<Notes>, line: u32) {
    notes.doc.lines().insert(line, "a line".to_owned());
}

fn lines(notes: &UseDocReturn<Notes>) -> Vec<u32> {
    notes.doc.lines().keys().get_untracked()
}

/// Returns the number of records that the database has.
async fn records(scratch: &Scratch) -> usize {
    let storage = IndexedDbStorage::open(scratch.name()).await.unwrap();
    storage.scan(Scan::all()).await.unwrap().len()
}

#[wasm_bindgen_test]
async fn edits_that_no_relay_has_are_deleted_only_by_force() {
    let scratch = Scratch::new("clear-refused");
    let (_owner, notes) = page(local(&scratch));
    until(move || !notes.loading.get()).await;
    write(&notes, 1);
    until(move || notes.saved.get()).await;
    let before = records(&scratch).await;
    assert!(!clear_local(scratch.name(), false).await.unwrap());
    assert_eq!(records(&scratch).await, before);
    // The page goes on as before.
    write(&notes, 2);
    until(move || notes.saved.get() && notes.storage.get() == StorageKind::IndexedDb).await;

    assert!(clear_local(scratch.name(), true).await.unwrap());
    assert_eq!(records(&scratch).await, 0);
}

#[wasm_bindgen_test]
async fn open_pages_keep_a_cleared_document_in_memory_and_never_write_it_again() {
    let scratch = Scratch::new("clear-forced");
    let (_first, one) = page(local(&scratch));
    let (_second, other) = page(local(&scratch));
    until(move || !one.loading.get() && !other.loading.get()).await;
    write(&one, 1);
    until(move || one.saved.get() && other.saved.get()).await;
    assert!(clear_local(scratch.name(), true).await.unwrap());
    for notes in [&one, &other] {
        let (storage, error) = (notes.storage, notes.error);
        until(move || storage.get() == StorageKind::Memory && error.get().is_some()).await;
        write(notes, 2);
        assert_eq!(lines(notes), [1, 2]);
    }
    js_sys::eval("dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('online'))")
        .unwrap();
    assert_eq!(records(&scratch).await, 0);

    // The next page starts anew, and can be cleared too.
    for _ in 0..2 {
        let (_owner, notes) = page(local(&scratch));
        until(move || !notes.loading.get()).await;
        assert!(lines(&notes).is_empty());
        write(&notes, 7);
        until(move || notes.saved.get()).await;
        assert_eq!(notes.storage.get_untracked(), StorageKind::IndexedDb);
        assert!(clear_local(scratch.name(), true).await.unwrap());
    }
    // The pages that were open before have not changed their minds.
    write(&one, 3);
    assert_eq!(records(&scratch).await, 0);
}

#[wasm_bindgen_test]
async fn a_cleared_page_still_sends_its_edits() {
    let scratch = Scratch::new("clear-relay");
    let relay = Relay::start();
    let (_owner, notes) = page(local(&scratch).relay("/sync"));
    relay.welcome().await;
    let channel = relay.opens(Permission::Write).await;
    write(&notes, 1);
    let sent = relay.pushed().await;
    relay.acknowledge(channel, &sent);
    until(move || notes.synced.get() && notes.saved.get()).await;
    assert!(clear_local(scratch.name(), false).await.unwrap());
    until(move || notes.storage.get() == StorageKind::Memory).await;
    write(&notes, 2);
    let sent = relay.pushed().await;
    relay.acknowledge(channel, &sent);
    until(move || notes.synced.get()).await;
    assert_eq!(records(&scratch).await, 0);
}

/// Each edit is stored twice: when it is made, and when the relay has acknowledged it.
#[wasm_bindgen_test]
async fn synced_documents_can_be_cleared_at_once() {
    let scratch = Scratch::new("clear-synced");
    let relay = Relay::start();
    for edits in [1, 3] {
        let (owner, notes) = page(local(&scratch).relay("/sync"));
        relay.welcome().await;
        let channel = relay.opens(Permission::Write).await;
        for line in 0..edits {
            write(&notes, line);
        }
        let mut sent = Vec::new();
        while sent.len() < edits as usize {
            let entries = relay.pushed().await;
            relay.acknowledge(channel, &entries);
            sent.extend(entries);
        }
        until(move || notes.synced.get() && notes.pending.get() == 0).await;
        assert!(clear_local(scratch.name(), false).await.unwrap(), "{edits}");
        owner.cleanup();
        relay.drop_page();
        relay.forget();
    }
}

#[wasm_bindgen_test]
async fn documents_in_memory_are_not_saved() {
    let scratch = Scratch::new("clear-saved");
    let (_owner, notes) = page(local(&scratch).relay("/sync"));
    until(move || !notes.loading.get()).await;
    write(&notes, 1);
    until(move || notes.saved.get()).await;
    assert!(clear_local(scratch.name(), true).await.unwrap());
    until(move || notes.error.get().is_some()).await;
    assert_eq!(notes.storage.get_untracked(), StorageKind::Memory);
    assert!(!notes.saved.get_untracked());
    assert_eq!(notes.unsaved.get_untracked(), 1);
}

#[wasm_bindgen_test]
async fn a_page_whose_database_was_cleared_gives_other_tabs_nothing_and_takes_nothing() {
    let scratch = Scratch::new("clear-tabs");
    let (_owner, old) = page(local(&scratch));
    until(move || !old.loading.get()).await;
    write(&old, 1);
    until(move || old.saved.get()).await;
    let mut tab = Tab::join(&scratch);
    let ask = || TabMessageKind::OutboxRequest {
        asker: 7,
        known: Vec::new(),
    };
    tab.say(ask());
    sleep(50).await;
    assert!(tab.answered.try_recv().is_ok(), "an open page answers");

    assert!(clear_local(scratch.name(), true).await.unwrap());
    tab.say(ask());
    let (_next, new) = page(local(&scratch));
    until(move || !new.loading.get()).await;
    write(&new, 2);
    write(&old, 3);
    sleep(500).await;
    assert!(tab.answered.try_recv().is_err());
    assert_eq!(lines(&new), [2]);
    assert_eq!(lines(&old), [1, 3]);
}
