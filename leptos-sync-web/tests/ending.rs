//! Edits whose transactions the browser aborts because the page ends. A test cannot end its own
//! page, so it begins with what such a page leaves behind.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Relay, Scratch, sleep, until};
use js_sys::{Function, Object};
use leptos::{prelude::*, task::tick};
use leptos_sync_core::{
    limits,
    storage::{Scan, Storage as _},
};
use leptos_sync_web::{
    Crdt, LwwMap, SyncOptions, Tx, UseDocReturn, provide_sync, storage::clear_local, use_doc,
};
use wasm_bindgen::{JsCast, JsValue};
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

fn write(notes: &UseDocReturn<Notes>, line: u32) {
    notes.doc.lines().insert(line, format!("line {line}"));
}

fn lines(notes: &UseDocReturn<Notes>) -> Vec<u32> {
    notes.doc.lines().keys().get_untracked()
}

/// Opens the notes for a user, at first Ada.
fn page_of_user(scratch: &Scratch) -> (Owner, UseDocReturn<Notes>, RwSignal<String>) {
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let (notes, user) = owner.with(|| {
        let user = RwSignal::new("ada".to_owned());
        let options = SyncOptions::default().database(scratch.name());
        provide_sync(options.relay("/sync").user(move || user.get()));
        (use_doc::<Notes>("notes"), user)
    });
    owner.set();
    (owner, notes, user)
}

/// The beginning of the keys of all entries.
const ENTRY: &[u8] = b"R\0\x05notes\0\x02";

/// Returns the beginning of the names of a database's copies.
fn start(scratch: &Scratch) -> String {
    format!("leptos-sync\0{}\0", scratch.name())
}

/// Returns the number of copies that a database has.
fn copies(scratch: &Scratch) -> usize {
    let names = Object::keys(&js::<Object>("localStorage"));
    let is_copy = |name: &JsValue| name.as_string().unwrap().starts_with(&start(scratch));
    names.iter().filter(is_copy).count()
}

fn js<T: JsCast>(script: &str) -> T {
    js_sys::eval(script).unwrap().unchecked_into()
}

fn end_page() {
    js::<JsValue>("dispatchEvent(new Event('pagehide'))");
}

/// Makes a copy of each entry of one database for another one, whose page has ended.
async fn copy_entries(from: &Scratch, to: &Scratch) {
    let records = from.open().await.scan(Scan::all()).await.unwrap();
    let set: Function = js("(name, value) => localStorage.setItem(name, value)");
    let numbers = |bytes: &[u8]| {
        bytes
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(",")
    };
    for (key, record) in records {
        if key.starts_with(ENTRY) {
            let (name, value) = (start(to) + &numbers(&key), numbers(&record));
            set.call2(&JsValue::NULL, &name.into(), &value.into())
                .unwrap();
        }
    }
}

/// Returns a database without records, and with the copies of two edits.
async fn ended(test: &str) -> Scratch {
    let (other, scratch) = (Scratch::new("copied-from"), Scratch::new(test));
    let (_owner, notes) = page(&other);
    until(move || !notes.loading.get()).await;
    write(&notes, 1);
    write(&notes, 2);
    until(move || notes.saved.get()).await;
    copy_entries(&other, &scratch).await;
    assert_eq!(copies(&scratch), 2);
    scratch
}

#[wasm_bindgen_test]
async fn edits_are_copied_when_the_page_ends_until_the_database_has_them() {
    let scratch = Scratch::new("ending");
    for is_loaded in [false, true] {
        let (_owner, notes) = page(&scratch);
        if is_loaded {
            until(move || !notes.loading.get() && notes.saved.get()).await;
            end_page();
            assert_eq!(copies(&scratch), 0);
        }
        write(&notes, 1);
        write(&notes, 2);
        end_page();
        assert_eq!(copies(&scratch), 2);
        until(move || !notes.loading.get() && notes.saved.get()).await;
        while copies(&scratch) > 0 {
            sleep(0).await;
        }
    }
}

/// The outbox of a document without a relay moves to the base, but not before it is stored.
#[wasm_bindgen_test]
async fn a_large_edit_is_copied_too() {
    let scratch = Scratch::new("ending-large");
    let (_owner, notes) = page(&scratch);
    until(move || !notes.loading.get()).await;
    // No write is in progress afterwards.
    write(&notes, 0);
    until(move || notes.saved.get()).await;
    let large = |tx: &mut Tx<'_, Notes>| {
        for line in 1..=3 {
            tx.lines().insert(line, "x".repeat(limits::LOG_BYTES / 2));
        }
    };
    notes.live.transact(large).unwrap();
    end_page();
    assert_eq!(copies(&scratch), 1);
    until(move || notes.saved.get()).await;
    let is_in_base = async || {
        let records = scratch.open().await.scan(Scan::all()).await.unwrap();
        !records.iter().any(|(key, _)| key.starts_with(ENTRY))
    };
    while !is_in_base().await {
        sleep(0).await;
    }
    let (_owner, again) = page(&scratch);
    until(move || !again.loading.get()).await;
    assert_eq!(lines(&again), [0, 1, 2, 3]);
}

/// A new user gets a new replica id.
#[wasm_bindgen_test]
async fn an_edit_before_a_change_of_the_user_is_copied_too() {
    let scratch = Scratch::new("ending-user");
    let relay = Relay::start();
    let (_owner, notes, user) = page_of_user(&scratch);
    relay.opened().await;
    until(move || !notes.loading.get() && notes.saved.get()).await;
    write(&notes, 1);
    user.set("eve".to_owned());
    tick().await;
    end_page();
    assert_eq!(copies(&scratch), 1);
}

#[wasm_bindgen_test]
async fn the_next_page_stores_what_an_ended_page_could_not() {
    let scratch = ended("ended").await;
    let (_owner, notes) = page(&scratch);
    until(move || !notes.loading.get()).await;
    assert_eq!(lines(&notes), [1, 2]);
    while copies(&scratch) > 0 {
        sleep(0).await;
    }
    let (_owner, again) = page(&scratch);
    until(move || !again.loading.get()).await;
    assert_eq!(lines(&again), [1, 2]);
}

#[wasm_bindgen_test]
async fn the_edits_of_an_ended_page_are_deleted_only_by_force() {
    let scratch = ended("ended-cleared").await;
    assert!(!clear_local(scratch.name(), false).await.unwrap());
    let (owner, notes) = page(&scratch);
    until(move || !notes.loading.get()).await;
    assert_eq!(lines(&notes), [1, 2]);
    owner.cleanup();

    let scratch = ended("ended-cleared-by-force").await;
    assert!(clear_local(scratch.name(), true).await.unwrap());
    assert_eq!(copies(&scratch), 0);
    let (_owner, notes) = page(&scratch);
    until(move || !notes.loading.get()).await;
    assert!(lines(&notes).is_empty());
}

#[wasm_bindgen_test]
async fn the_edits_of_an_ended_page_are_discarded_with_their_document() {
    let scratch = Scratch::new("ended-discarded");
    let (_owner, notes) = page(&scratch);
    until(move || !notes.loading.get() && notes.saved.get()).await;
    write(&notes, 3);
    until(move || notes.saved.get()).await;
    let other = ended("ended-of-another").await;
    let (_other, others) = page(&other);
    until(move || !others.loading.get()).await;
    copy_entries(&other, &scratch).await;
    notes.discard();
    until(move || notes.doc.lines().keys().get().is_empty() && notes.saved.get()).await;
    while copies(&scratch) > 0 {
        sleep(0).await;
    }
    let (_owner, again) = page(&scratch);
    until(move || !again.loading.get()).await;
    assert!(lines(&again).is_empty());
}
