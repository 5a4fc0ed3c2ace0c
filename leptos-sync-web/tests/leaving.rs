//! A document that the user no longer wants on this device, or wants under another name.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use any_spawner::Executor;
use common::{Relay, Scratch, until};
use leptos::prelude::*;
use leptos_sync_core::{
    history::Opened,
    storage::{Scan, Storage as _},
    sync::{ClientRequest, Permission, Response},
};
use leptos_sync_web::{
    Connection, Crdt, GCounter, LwwMap, SyncOptions, UseDocReturn, provide_sync,
    status::StorageKind, use_doc, use_presence,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, String>,
    likes: GCounter,
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

/// Waits until a page shows nothing and has stored that.
async fn is_empty(notes: &UseDocReturn<Notes>) {
    let (doc, saved, storage) = (notes.doc, notes.saved, notes.storage);
    let is_empty = move || doc.lines().keys().get().is_empty() && saved.get();
    until(move || is_empty() && storage.get() == StorageKind::IndexedDb).await;
}

#[wasm_bindgen_test]
async fn a_discarded_document_is_gone_in_all_tabs_and_none_writes_it_again() {
    let scratch = Scratch::new("discarded");
    let (_first, one) = page(local(&scratch));
    let (_second, other) = page(local(&scratch));
    until(move || !one.loading.get() && !other.loading.get()).await;
    write(&one, 1);
    write(&other, 2);
    let (saved, other_saved, other_doc) = (one.saved, other.saved, other.doc);
    let has_both = move || other_doc.lines().keys().get().len() == 2;
    until(move || saved.get() && other_saved.get() && has_both()).await;
    // A write is in progress in both.
    write(&one, 3);
    write(&other, 4);
    one.discard();
    is_empty(&one).await;
    is_empty(&other).await;
    js_sys::eval("dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('online'))")
        .unwrap();
    let (_third, again) = page(local(&scratch));
    until(move || !again.loading.get()).await;
    assert!(lines(&again).is_empty());

    // The name can be used again, in all tabs.
    write(&other, 7);
    let (doc, again_doc) = (one.doc, again.doc);
    let arrives = move || doc.lines().keys().get() == [7] && again_doc.lines().keys().get() == [7];
    until(arrives).await;
    until(move || other.saved.get()).await;
    let (_fourth, last) = page(local(&scratch));
    until(move || !last.loading.get()).await;
    assert_eq!(lines(&last), [7]);
    // Only the document that the app has named is deleted.
    assert!(one.error.get_untracked().is_none());
}

#[wasm_bindgen_test]
async fn discarding_leaves_the_other_documents_of_the_database() {
    let scratch = Scratch::new("discarded-one");
    let (owner, notes) = page(local(&scratch));
    let others = owner.with(|| use_doc::<Notes>("notes-2"));
    until(move || !notes.loading.get() && !others.loading.get()).await;
    write(&notes, 1);
    write(&others, 2);
    until(move || notes.saved.get() && others.saved.get()).await;
    notes.discard();
    is_empty(&notes).await;
    let (owner, again) = page(local(&scratch));
    let others = owner.with(|| use_doc::<Notes>("notes-2"));
    until(move || !again.loading.get() && !others.loading.get()).await;
    assert_eq!((lines(&again), lines(&others)), (vec![], vec![2]));
}

#[wasm_bindgen_test]
async fn a_document_that_was_removed_at_the_relay_is_copied_under_a_new_name() {
    let scratch = Scratch::new("copied");
    let relay = Relay::start();
    let (owner, notes) = page(local(&scratch).relay("/sync"));
    let channel = relay.opened().await;
    write(&notes, 1);
    notes.doc.likes().increment(3);
    let mut sent = relay.pushed().await;
    while sent.len() < 2 {
        sent.extend(relay.pushed().await);
    }
    relay.acknowledge(channel, &sent);
    until(move || notes.synced.get()).await;
    relay.say(&Response::Removed { channel });
    until(move || notes.connection.get() == Connection::Removed).await;
    assert!(matches!(relay.asked().await, ClientRequest::Leave { .. }));

    notes.copy_to("notes-copy").unwrap();
    let copy = owner.with(|| use_doc::<Notes>("notes-copy"));
    assert_eq!(lines(&copy), [1]);
    assert_eq!(copy.doc.likes().get_untracked(), 3);
    relay.forget();
    let channel = relay.opens(Permission::Write).await;
    let mut copied = relay.pushed().await;
    while copied.len() < 2 {
        copied.extend(relay.pushed().await);
    }
    assert_ne!(copied[0].id.replica, sent[0].id.replica);
    relay.acknowledge(channel, &copied);
    until(move || copy.synced.get() && copy.saved.get()).await;

    // The document is deleted here, and the relay still says that it was removed.
    notes.discard();
    let ClientRequest::Open {
        channel, document, ..
    } = relay.asked().await
    else {
        panic!("the page did not ask for the document again");
    };
    assert_eq!(document, "notes");
    relay.say(&Response::Removed { channel });
    is_empty(&notes).await;
    until(move || notes.connection.get() == Connection::Removed).await;
    assert!(notes.rejected.get_untracked().is_empty());
    assert_eq!(lines(&copy), [1]);
    let storage = scratch.open().await;
    let records = storage.scan(Scan::all()).await.unwrap();
    let text = b"a line".as_slice();
    let has_text = |record: &Vec<u8>| record.windows(text.len()).any(|part| part == text);
    let named = |key: &[u8], name: &[u8]| key.windows(name.len()).any(|part| part == name);
    for (key, record) in records {
        let is_copy = named(&key, b"notes-copy");
        assert!(is_copy || !has_text(&record), "{key:?} has the text");
    }
}

/// Returns the next presence that the page sends.
async fn presence(relay: &Relay) -> Vec<u8> {
    loop {
        match relay.asked().await {
            ClientRequest::Presence { data, .. } => return data,
            ClientRequest::Open { channel, .. } => relay.say(&Response::Opened {
                channel,
                permission: Permission::Write,
                opened: Opened::default(),
            }),
            _ => {}
        }
    }
}

/// The relay forgets the presence of a document that was left, and the others no longer see the
/// page.
#[wasm_bindgen_test]
async fn a_page_that_opens_a_document_again_is_still_present() {
    let scratch = Scratch::new("present");
    let relay = Relay::start();
    let (owner, notes) = page(local(&scratch).relay("/sync"));
    let present = owner.with(|| use_presence::<String>(&notes.live));
    present.own.set(Some("here".to_owned()));
    relay.welcome().await;
    let told = presence(&relay).await;
    assert!(!told.is_empty());
    notes.discard();
    assert_eq!(presence(&relay).await, told);
}
