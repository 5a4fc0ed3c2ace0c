//! The end of the component that called `provide_sync`, such as when a user signs out.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use any_spawner::Executor;
use common::{Patch, Relay, Scratch, global, set_global, sleep, until};
use leptos::prelude::*;
use leptos_sync_web::{
    Crdt, LwwMap, Permission, SyncOptions, UseDocReturn, provide_sync, use_doc, use_presence,
};
use serde::{Deserialize, Serialize};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

thread_local! {
    /// The number of values in all documents that are in memory.
    static ALIVE: Cell<isize> = const { Cell::new(0) };
}

struct Alive(());

impl Default for Alive {
    fn default() -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(())
    }
}

impl Clone for Alive {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Line {
    text: String,
    #[serde(skip)]
    _alive: Alive,
}

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, Line>,
}

/// Opens the notes, like a component that is shown.
fn component(options: SyncOptions) -> (Owner, UseDocReturn<Notes>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let notes = owner.with(|| {
        provide_sync(options);
        let notes = use_doc::<Notes>("notes");
        use_presence::<String>(&notes.live);
        notes
    });
    owner.set();
    (owner, notes)
}

fn options(scratch: &Scratch) -> SyncOptions {
    SyncOptions::default().database(scratch.name())
}

fn write(notes: &UseDocReturn<Notes>, line: u32) {
    notes.doc.lines().insert(line, Line::default());
}

/// Waits for something that no event announces.
async fn soon(is: impl Fn() -> bool) -> bool {
    for _ in 0..200 {
        if is() {
            return true;
        }
        sleep(20).await;
    }
    false
}

/// Counts the listeners of the window that this library sets.
const COUNT: &str = "
    if (['visibilitychange', 'pagehide', 'offline', 'online'].includes(value))
        globalThis.listeners += DELTA;
    return genuine.call(this, value, key)";

#[wasm_bindgen_test]
async fn nothing_remains_of_fifty_users_who_signed_out() {
    let _added = Patch::method(
        "EventTarget",
        "addEventListener",
        &COUNT.replace("DELTA", "1"),
    );
    let removed = COUNT.replace("DELTA", "-1");
    let _removed = Patch::method("EventTarget", "removeEventListener", &removed);
    let left = "globalThis.channels += 1; return genuine.call(this)";
    let _left = Patch::method("BroadcastChannel", "close", left);
    set_global("listeners", 0);
    set_global("channels", 0);
    set_global("openSockets", 0);
    let scratch = Scratch::new("dispose-many");
    let relay = Relay::start();
    let token = Arc::new(AtomicUsize::new(0));
    for round in 0..50 {
        let fetches = Arc::clone(&token);
        let renew = move || {
            fetches.fetch_add(1, Ordering::Relaxed);
            async { Some("a token".to_owned()) }
        };
        let (owner, notes) = component(options(&scratch).relay("/sync").renew(renew));
        relay.welcome().await;
        relay.opens(Permission::Write).await;
        write(&notes, round);
        drop(notes);
        owner.cleanup();
        drop(owner);
        relay.drop_page();
    }
    assert!(
        soon(|| Arc::strong_count(&token) == 1).await,
        "the renewal is dropped"
    );
    assert_eq!(token.load(Ordering::Relaxed), 50);
    assert_eq!(global("openSockets"), Some(0.0));
    assert_eq!(global("listeners"), Some(0.0));
    assert_eq!(global("channels"), Some(50.0));
    assert!(soon(|| ALIVE.get() == 0).await, "{} values", ALIVE.get());

    // Nothing was lost.
    let (_owner, notes) = component(options(&scratch));
    until(move || !notes.loading.get()).await;
    assert_eq!(notes.doc.lines().keys().get_untracked().len(), 50);
}

#[wasm_bindgen_test]
async fn edits_made_just_before_the_end_are_stored() {
    let scratch = Scratch::new("dispose-edits");
    let (owner, notes) = component(options(&scratch));
    // The stored document has not been read yet.
    write(&notes, 1);
    owner.cleanup();
    let (owner, notes) = component(options(&scratch));
    until(move || !notes.loading.get()).await;
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1]);
    write(&notes, 2);
    // This one waits for the write of the one before.
    write(&notes, 3);
    owner.cleanup();
    let (_owner, notes) = component(options(&scratch));
    until(move || !notes.loading.get()).await;
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1, 2, 3]);
}

#[wasm_bindgen_test]
async fn a_renewal_in_progress_does_not_continue_after_the_end() {
    let scratch = Scratch::new("dispose-renewal");
    let _relay = Relay::start();
    let owner = Owner::new();
    let ended = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&ended);
    let _ = Executor::init_wasm_bindgen();
    owner.with(|| {
        let user = RwSignal::new("ada".to_owned());
        provide_sync(options(&scratch).relay("/sync").renew(move || {
            let seen = Arc::clone(&seen);
            async move {
                sleep(50).await;
                seen.fetch_add(1, Ordering::Relaxed);
                Some(user.get_untracked())
            }
        }));
        use_doc::<Notes>("notes");
    });
    sleep(10).await;
    owner.cleanup();
    sleep(100).await;
    assert_eq!(ended.load(Ordering::Relaxed), 0);
    assert!(soon(|| Arc::strong_count(&ended) == 1).await);
}

#[wasm_bindgen_test]
async fn a_document_that_is_opened_after_the_end_says_so() {
    let scratch = Scratch::new("dispose-late");
    let (owner, notes) = component(options(&scratch));
    until(move || !notes.loading.get()).await;
    write(&notes, 1);
    let kept = notes.clone();
    owner.cleanup();
    // Neither stored nor a panic.
    write(&kept, 2);
    kept.copy_to("copy").unwrap();
    drop(kept);
    drop(notes);
    drop(owner);
    assert!(soon(|| ALIVE.get() == 0).await, "{} values", ALIVE.get());
}
