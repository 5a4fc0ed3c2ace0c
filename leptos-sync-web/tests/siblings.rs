//! Tabs of one browser that send each other's edits to a relay.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use any_spawner::Executor;
use common::{Relay, Scratch, Tab, until};
use leptos::prelude::*;
use leptos_sync_core::{
    engine::ReplicaStore,
    history::{Epoch, Opened, Page, Position, RelayState, Sequence, TabEntry, Witness},
    replica::Replica,
    storage::Storage,
    sync::{ClientRequest, TabMessageKind},
};
use leptos_sync_web::{
    Clock, Crdt, LwwMap, ReplicaId, SyncOptions, UseDocReturn, provide_sync, use_doc,
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
        let options = SyncOptions::default().database(scratch.name());
        provide_sync(options.relay("/sync"));
        use_doc::<Notes>("notes")
    });
    owner.set();
    (owner, notes)
}

fn replica() -> Replica<Notes> {
    Replica::new(Clock::system(ReplicaId::default()))
}

fn line(replica: &mut Replica<Notes>, line: u32) -> TabEntry {
    let edit = replica.transact(|tx| tx.lines().insert(line, "by another tab".to_owned()));
    let id = edit.unwrap().entry.unwrap().id;
    replica.entry(id).unwrap()
}

/// The other tab has died after it stored its edit, and before it sent the edit.
#[wasm_bindgen_test]
async fn edits_of_a_dead_tab_are_sent_by_another() {
    let scratch = Scratch::new("heir");
    let mut store = ReplicaStore::new(scratch.open().await, "notes").unwrap();
    let mut dead = replica();
    line(&mut dead, 1);
    let write = store.save(&mut dead).unwrap();
    let committed = store.storage().commit_if(write.expected, write.batch);
    assert!(committed.await.unwrap());

    let relay = Relay::start();
    let (_owner, notes) = page(&scratch);
    let channel = relay.opened().await;
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1]);
    let entries = relay.pushed().await;
    assert_eq!(entries, [dead.outbox()[0].0.clone()]);
    relay.acknowledge(channel, &entries);
    let synced = notes.synced;
    until(move || synced.get()).await;
}

/// Each tab stores its own edits. Two writes of each edit would take twice the time and the space.
#[wasm_bindgen_test]
async fn an_edit_is_stored_by_the_tab_that_made_it() {
    let scratch = Scratch::new("twice");
    let (_owner, notes) = page(&scratch);
    let (loading, saved) = (notes.loading, notes.saved);
    until(move || !loading.get()).await;
    let tab = Tab::join(&scratch);
    tab.say(TabMessageKind::Edit(line(&mut replica(), 1)));
    let lines = notes.doc.lines();
    until(move || lines.keys().get() == [1]).await;
    assert!(notes.saved.get_untracked(), "the other tab saves its edit");
    lines.insert(2, "by this tab".to_owned());
    until(move || saved.get()).await;
    let store = ReplicaStore::new(scratch.open().await, "notes").unwrap();
    let shared = store.shared_prefix();
    let records = store.storage().scan_prefix(&shared).await.unwrap();
    assert_eq!(records.len(), 3, "the marker, the progress and one edit");
}

/// Each tab sends its own edits. The relay would report a gap for those that it has already.
#[wasm_bindgen_test]
async fn edits_of_a_tab_that_sends_them_are_sent_once() {
    let scratch = Scratch::new("once");
    let relay = Relay::start();
    let (_owner, notes) = page(&scratch);
    let channel = relay.opened().await;
    let tab = Tab::join(&scratch);
    let mut replica = replica();
    tab.say(TabMessageKind::Edit(line(&mut replica, 1)));
    let lines = notes.doc.lines();
    until(move || lines.keys().get() == [1]).await;
    assert_eq!(notes.pending.get_untracked(), 1);
    let ack = relay.stores(replica.outbox()[0].0.id);
    tab.say(TabMessageKind::Ack(ack));
    let pending = notes.pending;
    until(move || pending.get() == 0).await;
    assert!(!notes.synced.get_untracked(), "the page has not read it");
    relay.tell(channel, &replica.outbox()[0].0.cells);
    let synced = notes.synced;
    until(move || synced.get()).await;
    notes.doc.lines().insert(2, "by this tab".to_owned());
    let entries = relay.pushed().await;
    assert_eq!(entries.len(), 1);
    assert_ne!(entries[0].id.replica, ack.id.replica);
}

/// Stores a document that was read from another history of the relay, as another tab.
async fn store_another_history(scratch: &Scratch) {
    let (epoch, sequence) = (Epoch::new(9), Sequence::new(1));
    let head = Position { epoch, sequence };
    let state = RelayState {
        witness: Witness {
            head,
            ..Witness::default()
        },
        epoch_start: sequence,
    };
    let (cells, mut other) = (line(&mut replica(), 3).0.cells, replica());
    other.start();
    let opened = Opened {
        tail: vec![(epoch, sequence)],
        state,
        ..Opened::default()
    };
    other.opened(&opened).unwrap();
    let page = Page {
        upto: sequence,
        cells,
        state,
        ..Page::default()
    };
    other.page(&page).unwrap();
    let mut store = ReplicaStore::new(scratch.open().await, "notes").unwrap();
    loop {
        let records = store.storage().scan_prefix(store.prefix()).await.unwrap();
        store.read(records, &mut replica());
        let write = store.compact(&mut other).unwrap();
        let committed = store.storage().commit_if(write.expected, write.batch);
        if committed.await.unwrap() {
            return;
        }
    }
}

/// The relay is offered what both tabs have read, now and not after the next connection.
#[wasm_bindgen_test]
async fn a_page_compares_at_once_if_another_tab_has_stored_another_history() {
    let scratch = Scratch::new("histories");
    let relay = Relay::start();
    let (_owner, notes) = page(&scratch);
    let channel = relay.opened().await;
    notes.doc.lines().insert(1, "by this tab".to_owned());
    let entries = relay.pushed().await;
    relay.acknowledge(channel, &entries);
    store_another_history(&scratch).await;
    relay.takes();
    relay.tell(channel, &line(&mut replica(), 2).0.cells);
    assert!(matches!(relay.asked().await, ClientRequest::Leave { .. }));
    let asked = relay.asked().await;
    assert!(matches!(asked, ClientRequest::Open { opening, .. } if opening.comparing));
}
