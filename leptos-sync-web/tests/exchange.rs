//! A document that a relay and a page exchange by positions in the relay's history.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod common;

use any_spawner::Executor;
use common::{Relay, Scratch, until};
use leptos::prelude::*;
use leptos_sync_core::{
    Time,
    clock::{SystemTime, TimeSource as _},
    history::{CellRange, Entry, Epoch, Opened, Sequence},
    replica::Replica,
    sync::{ClientRequest, Permission, Reason, Response},
};
use leptos_sync_web::{
    Clock, Crdt, GCounter, LwwMap, ReplicaId, SyncOptions, UseDocReturn, provide_sync, use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, String>,
    likes: GCounter,
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

/// A transaction of another user.
fn theirs(line: u32) -> Entry {
    let mut replica = Replica::<Notes>::new(Clock::system(ReplicaId::default()));
    let written = replica.transact(|tx| {
        tx.lines().insert(line, "theirs".to_owned());
        tx.likes().increment(1);
    });
    written.unwrap().entry.unwrap()
}

/// Edits a document, and lets the page read a change by another user.
async fn exchanged(scratch: &Scratch, relay: &Relay) -> (Owner, UseDocReturn<Notes>) {
    let (owner, notes) = page(scratch);
    let channel = relay.opened().await;
    notes.doc.lines().insert(1, "ours".to_owned());
    notes.doc.likes().increment(1);
    let mut entries = relay.pushed().await;
    while entries.len() < 2 {
        entries.extend(relay.pushed().await);
    }
    relay.acknowledge(channel, &entries);
    let entry = theirs(2);
    relay.stores(entry.id);
    relay.tell(channel, &entry.cells);
    until(move || notes.doc.likes().get() == 2 && notes.synced.get() && notes.saved.get()).await;
    (owner, notes)
}

#[wasm_bindgen_test]
async fn a_page_continues_where_the_one_before_has_stopped_reading() {
    let scratch = Scratch::new("continued");
    let relay = Relay::start();
    let (_first_owner, _first) = exchanged(&scratch, &relay).await;
    // What the relay has sent is saved after a short delay.
    common::sleep(1_500).await;
    relay.end(Reason::GoingAway, "restarting");
    drop(relay);

    let relay = Relay::start();
    let (_owner, notes) = page(&scratch);
    relay.welcome().await;
    let ClientRequest::Open { opening, .. } = relay.asked().await else {
        panic!("the page did not open the document");
    };
    assert_eq!(opening.cursor.position.sequence, Sequence::new(3));
    assert!(opening.ids.is_empty() && !opening.comparing);
    assert_eq!(notes.doc.lines().keys().get_untracked().len(), 2);
    assert_eq!(notes.doc.likes().get_untracked(), 2);
}

/// The relay was restored from a backup that had nothing of the document.
#[wasm_bindgen_test]
async fn a_relay_that_went_back_gets_everything_again_before_the_page_is_synced() {
    let scratch = Scratch::new("restored");
    let relay = Relay::start();
    let (_owner, notes) = exchanged(&scratch, &relay).await;
    relay.end(Reason::GoingAway, "restored");
    relay.forget();
    relay.welcome().await;
    let ClientRequest::Open { channel, .. } = relay.asked().await else {
        panic!("the page did not open the document");
    };
    let opened = Opened {
        now_ms: SystemTime.now_ms(),
        diverged: true,
        ..Opened::default()
    };
    relay.say(&Response::Opened {
        channel,
        permission: Permission::Write,
        opened,
    });
    assert!(matches!(relay.asked().await, ClientRequest::Range { .. }));
    assert!(!notes.synced.get_untracked());
    relay.say(&Response::Cells {
        channel,
        range: CellRange::default(),
    });
    let ClientRequest::Offer { cells, .. } = relay.asked().await else {
        panic!("the page did not offer what the relay lacks");
    };
    assert_eq!(cells.len(), 4, "two lines and two counts");
    assert!(!notes.synced.get_untracked());
    let state = relay.takes();
    assert_ne!(state.epoch(), Epoch::NONE);
    relay.say(&Response::Offered {
        channel,
        all: true,
        state,
    });
    let ClientRequest::Adopt { heads, .. } = relay.asked().await else {
        panic!("the page did not name its last entries");
    };
    relay.say(&Response::Adopted {
        channel,
        heads,
        state,
    });
    let ClientRequest::Read { after, .. } = relay.asked().await else {
        panic!("the page did not read");
    };
    assert_eq!(after, Sequence::ZERO);
    assert!(!notes.synced.get_untracked());
    relay.tell(channel, &cells);
    until(move || notes.synced.get()).await;
    assert_eq!(notes.doc.likes().get_untracked(), 2);
}

/// Returns the number of removed lines that the page remembers.
fn removals(notes: &UseDocReturn<Notes>) -> usize {
    let mut removals = 0;
    for group in notes.live.snapshot().unwrap().cells().groups() {
        removals += group.cells().filter(|cell| cell.value.is_none()).count();
    }
    removals
}

/// A page that remembers each removal grows for ever.
#[wasm_bindgen_test]
async fn a_page_forgets_the_removals_that_the_relay_has_forgotten() {
    let scratch = Scratch::new("forgotten");
    let relay = Relay::start();
    let (_owner, notes) = page(&scratch);
    let channel = relay.opened().await;
    let mut other = Replica::<Notes>::new(Clock::system(ReplicaId::default()));
    for _ in 0..2 {
        other
            .transact(|tx| tx.lines().insert(1, "theirs".to_owned()))
            .unwrap();
    }
    let removed = other.transact(|tx| tx.lines().remove(&1)).unwrap();
    relay.takes();
    relay.tell(channel, &removed.entry.unwrap().cells);
    let synced = notes.synced;
    until(move || synced.get()).await;
    while removals(&notes) == 0 {
        common::sleep(1).await;
    }
    relay.end(Reason::GoingAway, "restarting");
    let now = Time::try_from_ms(SystemTime.now_ms() + 1).unwrap();
    relay.floor.set(now);
    relay.opened().await;
    while removals(&notes) > 0 {
        common::sleep(1).await;
    }
}
