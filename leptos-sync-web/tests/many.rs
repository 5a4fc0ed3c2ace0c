//! Many documents in one page: few stay open, and no edit is lost.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use std::sync::Weak;

use any_spawner::Executor;
use common::{Relay, Scratch};
use futures::StreamExt;
use leptos::prelude::*;
use leptos_sync_core::sync::{ClientRequest, Permission};
use leptos_sync_web::{
    Connection, Crdt, LwwMap, SyncOptions, UseDocReturn,
    core::limits,
    provide_sync,
    status::{Cause, Reason, StatusSignal},
    use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Note {
    lines: LwwMap<u32, String>,
}

const NOTES: u32 = 200;

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

/// A page that shows one note at a time.
struct Page(Owner);

impl Page {
    fn new(scratch: &Scratch) -> Self {
        // This fails in all tests but the first, which initializes the executor.
        let _ = Executor::init_wasm_bindgen();
        let owner = Owner::new();
        owner.with(|| provide_sync(SyncOptions::default().database(scratch.name())));
        Self(owner)
    }

    /// Shows a note until the owner is dropped.
    async fn show(&self, number: u32) -> (Owner, UseDocReturn<Note>) {
        let owner = self.0.with(Owner::new);
        let note = owner.with(|| use_doc::<Note>(&format!("note {number}")));
        owner.set();
        until(note.loading, false).await;
        (owner, note)
    }

    /// Edits a note and closes it once it is saved. Its state is alive while the document is open.
    async fn edit(&self, number: u32) -> Weak<Note> {
        let (owner, note) = self.show(number).await;
        note.doc.lines().insert(number, format!("line {number}"));
        until(note.saved, true).await;
        let state = note.live.with_doc(|doc| doc.shared_state());
        owner.cleanup();
        std::sync::Arc::downgrade(&state)
    }
}

fn open(notes: &[Weak<Note>]) -> usize {
    notes.iter().filter(|note| note.strong_count() > 0).count()
}

#[wasm_bindgen_test]
async fn opening_two_hundred_notes_keeps_few_open_and_loses_no_edit() {
    let scratch = Scratch::new("many");
    let page = Page::new(&scratch);
    let mut notes = Vec::new();
    for number in 0..NOTES {
        notes.push(page.edit(number).await);
        // One more document may stay open until the next one replaces it.
        assert!(open(&notes) <= limits::OPEN_DOCUMENTS + 1);
    }
    for number in 0..NOTES {
        let (owner, note) = page.show(number).await;
        let line = note.doc.lines().entry(number).get_untracked();
        assert_eq!(line, Some(format!("line {number}")));
        assert!(note.error.get_untracked().is_none());
        owner.cleanup();
    }
}

#[wasm_bindgen_test]
async fn a_document_in_use_stays_open_however_many_are_opened() {
    let scratch = Scratch::new("held");
    let page = Page::new(&scratch);
    // A node under an owner uses one document, and a handle uses the other.
    let (_shown, by_node) = page.show(1000).await;
    let (owner, note) = page.show(1001).await;
    let by_handle = note.live.clone();
    owner.cleanup();
    drop((owner, note));
    let node = by_node.doc;
    drop(by_node);
    let mut notes = Vec::new();
    for number in 0..limits::OPEN_DOCUMENTS as u32 + 20 {
        notes.push(page.edit(number).await);
    }
    assert!(open(&notes) < notes.len());
    node.lines().insert(1, "by its node".to_owned());
    by_handle
        .transact(|tx| tx.lines().insert(2, "by its handle".to_owned()))
        .unwrap();
    let (_owner, again) = page.show(1000).await;
    assert_eq!(again.doc.lines().keys().get_untracked(), [1]);
    let (_owner, again) = page.show(1001).await;
    assert_eq!(again.doc.lines().keys().get_untracked(), [2]);
    until(again.saved, true).await;
}

#[wasm_bindgen_test]
async fn a_document_beyond_the_limit_reports_it_and_is_exchanged_when_another_closes() {
    let scratch = Scratch::new("limit");
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let relay = Relay::start();
    let page = Owner::new();
    let options = SyncOptions::default().database(scratch.name());
    page.with(|| provide_sync(options.relay("/sync").max_documents(2)));
    let open = |number: u32| {
        let owner = page.with(Owner::new);
        let note = owner.with(|| use_doc::<Note>(&format!("note {number}")));
        owner.set();
        (owner, note)
    };
    let (first_owner, first) = open(1);
    relay.opened().await;
    let (_second_owner, second) = open(2);
    relay.opens(Permission::Write).await;
    until(second.connection, Connection::Online).await;
    until(first.connection, Connection::Online).await;
    let (_third_owner, third) = open(3);
    let limited = move || {
        matches!(
            third.connection.get(),
            Connection::Offline(Cause::Relay {
                reason: Reason::TooManyDocuments,
                ..
            })
        )
    };
    common::until(limited).await;
    third.doc.lines().insert(3, "queued".to_owned());
    until(third.saved, true).await;
    assert_eq!(third.pending.get_untracked(), 1);

    drop(first);
    first_owner.cleanup();
    assert!(matches!(relay.asked().await, ClientRequest::Leave { .. }));
    let channel = relay.opens(Permission::Write).await;
    let entries = relay.pushed().await;
    relay.acknowledge(channel, &entries);
    until(third.synced, true).await;
    assert_eq!(third.connection.get_untracked(), Connection::Online);
}
