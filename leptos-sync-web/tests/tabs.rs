//! Pages of one browser exchange edits without a relay, without storage, and while the relay is
//! offline.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Patch, Scratch, sleep, until, with_indexed_db};
use futures::{
    StreamExt,
    channel::mpsc::{UnboundedReceiver, unbounded},
};
use js_sys::{Promise, Uint8Array};
use leptos::prelude::*;
use leptos_sync_core::{
    Delta, Outbox, Time, VersionVector,
    clock::{ManualTime, SystemTime, TimeSource, Window},
    engine::DocStore,
    limits,
    storage::Storage,
    sync::{Reason, TabMessage, TabMessageKind},
};
use leptos_sync_web::{
    Clock, Connection, Crdt, Doc, GCounter, LwwMap, ReplicaId, SyncOptions, UseDocReturn,
    provide_sync,
    status::{Cause, StorageKind},
    use_doc,
};
use wasm_bindgen::{JsCast, closure::Closure};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::{BroadcastChannel, MessageEvent};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, String>,
    likes: GCounter,
}

/// `Notes` before they had likes.
#[derive(Crdt, Clone, Default)]
struct OlderNotes {
    lines: LwwMap<u32, String>,
}

/// An address without a server.
const NOWHERE: &str = "ws://127.0.0.1:9/sync";

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

async fn opened(options: SyncOptions) -> (Owner, UseDocReturn<Notes>) {
    let (owner, notes) = page(options);
    let loading = notes.loading;
    until(move || !loading.get()).await;
    (owner, notes)
}

fn lines(notes: &UseDocReturn<Notes>) -> impl Fn() -> Vec<u32> + Copy + 'static {
    let doc = notes.doc;
    move || {
        let mut keys = doc.lines().keys().get();
        keys.sort_unstable();
        keys
    }
}

#[wasm_bindgen_test]
async fn two_tabs_show_each_others_edits_without_a_relay() {
    let scratch = Scratch::new("tabs");
    let options = || SyncOptions::default().database(scratch.name());
    let (_one, one) = opened(options()).await;
    let (_two, two) = opened(options()).await;
    assert_eq!(one.connection.get_untracked(), Connection::Absent);
    one.doc.lines().insert(1, "by one".to_owned());
    two.doc.lines().insert(2, "by two".to_owned());
    one.doc.likes().increment(1);
    two.doc.likes().increment(2);
    for notes in [&one, &two] {
        let (lines, likes) = (lines(notes), notes.doc.likes());
        until(move || lines() == [1, 2] && likes.get() == 3).await;
        assert!(notes.error.get_untracked().is_none());
        assert_eq!(notes.pending.get_untracked(), 0, "there is no relay");
    }
    one.doc.lines().remove(&2);
    let lines = lines(&two);
    until(move || lines() == [1]).await;
}

/// No message contains edits that were made before the other tab listened, so that tab requests
/// them.
#[wasm_bindgen_test]
async fn a_tab_without_storage_receives_what_it_lacks() {
    let scratch = Scratch::new("told");
    let options = || SyncOptions::default().database(scratch.name());
    let (_one, one) = opened(options()).await;
    one.doc.lines().insert(1, "before".to_owned());
    let (_two, two) = with_indexed_db("undefined", async || opened(options()).await).await;
    assert_eq!(two.storage.get_untracked(), StorageKind::Memory);
    let seen = lines(&two);
    until(move || seen() == [1]).await;
    two.doc.lines().insert(2, "in memory alone".to_owned());
    let seen = lines(&one);
    until(move || seen() == [1, 2]).await;
}

#[wasm_bindgen_test]
async fn edits_wait_for_an_offline_relay_across_a_reload_and_show_in_other_tabs() {
    let scratch = Scratch::new("waiting");
    let options = || {
        SyncOptions::default()
            .database(scratch.name())
            .relay(NOWHERE)
    };
    let (_one, one) = opened(options()).await;
    let (_two, two) = opened(options()).await;
    one.doc.lines().insert(1, "by one".to_owned());
    two.doc.lines().insert(2, "by two".to_owned());
    for notes in [&one, &two] {
        let (lines, pending) = (lines(notes), notes.pending);
        until(move || lines() == [1, 2] && pending.get() == 2).await;
        let saved = notes.saved;
        until(move || saved.get()).await;
        assert!(!notes.synced.get_untracked());
        let connection = notes.connection;
        until(move || connection.get() == Connection::Offline(Cause::Unreachable)).await;
    }
    let (_again, again) = opened(options()).await;
    assert_eq!(again.pending.get_untracked(), 2, "the edits are on disk");
    assert_eq!(lines(&again)(), [1, 2]);
    // A page without a relay also has the edits, but none of them is pending.
    let (_alone, alone) = opened(SyncOptions::default().database(scratch.name())).await;
    assert_eq!(lines(&alone)(), [1, 2]);
    assert_eq!(alone.pending.get_untracked(), 0);
}

#[wasm_bindgen_test]
async fn an_invalid_address_is_reported_and_everything_else_works() {
    let scratch = Scratch::new("address");
    let options = SyncOptions::default().database(scratch.name());
    let (_owner, notes) = opened(options.relay("http://[")).await;
    let connection = notes.connection;
    until(move || matches!(connection.get(), Connection::Refused(Cause::Invalid(_)))).await;
    let text = connection.get_untracked().to_string();
    assert!(text.contains("http://["), "{text}");
    assert!(
        notes.error.get_untracked().is_none(),
        "`error` concerns storage only"
    );
    notes.doc.lines().insert(1, "kept".to_owned());
    let saved = notes.saved;
    until(move || saved.get()).await;
}

/// Neither of the two knows the other's operations, so they must not use the same replica id.
#[wasm_bindgen_test]
async fn a_document_open_as_two_types_shows_all_edits_in_both() {
    let scratch = Scratch::new("types");
    let options = || SyncOptions::default().database(scratch.name());
    let (owner, notes) = opened(options()).await;
    let older = owner.with(|| use_doc::<OlderNotes>("notes"));
    let loading = older.loading;
    until(move || !loading.get()).await;
    let replica = older.live.with_doc(|doc| doc.replica());
    assert_ne!(notes.live.with_doc(|doc| doc.replica()), replica);
    notes.doc.lines().insert(1, "by the newer".to_owned());
    older.doc.lines().insert(2, "by the older".to_owned());
    notes.doc.likes().increment(1);
    let (seen, doc) = (lines(&notes), older.doc);
    until(move || seen() == [1, 2] && doc.lines().keys().get().len() == 2).await;
    for saved in [notes.saved, older.saved] {
        until(move || saved.get()).await;
    }
    let (_again, again) = opened(options()).await;
    assert_eq!(lines(&again)(), [1, 2]);
    assert_eq!(again.doc.likes().get_untracked(), 1);
}

/// The page takes over sending the edits of the first document. That must not affect the second
/// one, which is not loaded yet.
#[wasm_bindgen_test]
async fn a_document_being_opened_is_written_under_a_unique_id() {
    let scratch = Scratch::new("opening");
    let options = SyncOptions::default().database(scratch.name());
    let (owner, first) = page(options.relay(NOWHERE));
    first.doc.lines().insert(1, "typed at once".to_owned());
    let second = owner.with(|| use_doc::<Notes>("others"));
    while first.loading.get_untracked() || second.loading.get_untracked() {
        for notes in [&first, &second] {
            let replica = notes.live.with_doc(|doc| doc.replica());
            assert_ne!(replica, ReplicaId::default());
        }
        sleep(0).await;
    }
    let saved = first.saved;
    until(move || saved.get()).await;
    assert_eq!(lines(&second)(), [0; 0]);
}

/// A scripted tab of the notes.
struct Tab {
    channel: BroadcastChannel,
    /// The versions in the requests of other tabs.
    asked: UnboundedReceiver<VersionVector>,
    _heard: Closure<dyn FnMut(MessageEvent)>,
}

impl Tab {
    fn join(scratch: &Scratch) -> Self {
        let channel = BroadcastChannel::new(&format!("leptos-sync:{}", scratch.name())).unwrap();
        let (tell, asked) = unbounded();
        let heard = Closure::<dyn FnMut(_)>::new(move |event: MessageEvent| {
            let bytes = event.data().unchecked_into::<Uint8Array>().to_vec();
            if let TabMessageKind::Request(version) = TabMessage::decode(&bytes).unwrap().kind {
                tell.unbounded_send(version).unwrap();
            }
        });
        channel.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        Self {
            channel,
            asked,
            _heard: heard,
        }
    }

    fn say(&self, kind: TabMessageKind) {
        let document = "notes".to_owned();
        let bytes = TabMessage { document, kind }.encode();
        let bytes = Uint8Array::from(bytes.as_slice());
        self.channel.post_message(&bytes).unwrap();
    }
}

fn line(doc: &mut Doc<Notes>, line: u32) -> Delta {
    doc.transact(|tx| tx.lines().insert(line, "by another tab".to_owned()))
        .unwrap()
        .delta
}

/// The tab that received the request may not have the data yet, but another one may.
#[wasm_bindgen_test]
async fn missing_operations_are_requested_at_once_and_again_after_a_delay() {
    let scratch = Scratch::new("asking");
    let mut tab = Tab::join(&scratch);
    let (_owner, notes) = opened(SyncOptions::default().database(scratch.name())).await;
    tab.asked.next().await.unwrap();
    let mut doc = Doc::<Notes>::new(Clock::system(ReplicaId::new(7)));
    let [_, second, third] = [1, 2, 3].map(|key| line(&mut doc, key));
    tab.say(TabMessageKind::Edit(second));
    let lacking = tab.asked.next().await.unwrap();
    assert!(!lacking.covers(doc.version()));
    tab.say(TabMessageKind::Edit(third));
    for _ in 0..20 {
        sleep(0).await;
    }
    assert!(
        tab.asked.try_recv().is_err(),
        "the last request was just sent"
    );
    let lacking = tab.asked.next().await.unwrap();
    tab.say(TabMessageKind::Missing(doc.delta_since(&lacking).unwrap()));
    let seen = lines(&notes);
    until(move || seen() == [1, 2, 3]).await;
}

/// The original stamp is too far ahead of this clock to be joined.
#[wasm_bindgen_test]
async fn an_edit_of_a_tab_with_a_wrong_clock_is_shown_once_restamped() {
    let scratch = Scratch::new("restamped");
    let options = SyncOptions::default().database(scratch.name());
    let (_owner, notes) = opened(options.relay(NOWHERE)).await;
    let tab = Tab::join(&scratch);
    let now_ms = SystemTime.now_ms();
    let clock = ManualTime::at(now_ms + 24 * 3_600_000);
    let mut doc = Doc::<Notes>::new(Clock::new(ReplicaId::new(7), clock.clone()));
    let mut outbox = Outbox::new();
    let edit = outbox.transact(&mut doc, |tx| tx.lines().insert(1, "tomorrow".to_owned()));
    tab.say(TabMessageKind::Edit(edit.unwrap().delta));
    clock.set(now_ms);
    let floor = Time::ZERO;
    let restamped = outbox.restamp(
        &mut doc,
        Window {
            floor,
            now_ms,
            latest: Time::ZERO,
        },
        |_| true,
    );
    tab.say(TabMessageKind::Restamped(restamped.unwrap().0));
    let seen = lines(&notes);
    until(move || seen() == [1]).await;
    // Later edits arrive too.
    tab.say(TabMessageKind::Edit(line(&mut doc, 2)));
    until(move || seen() == [1, 2]).await;
}

/// A tab that cannot finish loading, for example because it has no lease, must not queue all
/// messages that it receives.
#[wasm_bindgen_test]
async fn a_tab_with_a_slow_load_requests_edits_it_could_not_queue() {
    let scratch = Scratch::new("unheard");
    // Without a lease, the page loads nothing.
    let locks = Patch::method(
        "LockManager",
        "request",
        "return new Promise(go => { globalThis.go = go }).then(() => genuine.apply(this, arguments))",
    );
    let (_owner, notes) = page(SyncOptions::default().database(scratch.name()));
    // The page is listening once its first edit is stored.
    notes.doc.likes().increment(1);
    let saved = notes.saved;
    until(move || saved.get()).await;
    let mut tab = Tab::join(&scratch);
    let mut doc = Doc::<Notes>::new(Clock::system(ReplicaId::new(7)));
    let count = limits::QUEUED_TAB_MESSAGES as u32 + 10;
    let first = line(&mut doc, 0);
    tab.say(TabMessageKind::Edit(first.clone()));
    for key in 1..count {
        tab.say(TabMessageKind::Edit(line(&mut doc, key)));
    }
    tab.say(TabMessageKind::Rejected {
        upto: first.upto().clone(),
        reason: Reason::Forbidden,
        text: "not this one".to_owned(),
    });
    // This message is sent after the edits on the same channel.
    let (tell, mut told) = unbounded();
    let last = BroadcastChannel::new(&format!("leptos-sync:{}", scratch.name())).unwrap();
    let heard = Closure::<dyn FnMut()>::new(move || tell.unbounded_send(()).unwrap());
    last.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    tab.say(TabMessageKind::Request(VersionVector::new()));
    told.next().await.unwrap();

    js_sys::eval("globalThis.go()").unwrap();
    drop(locks);
    let lacking = tab.asked.next().await.unwrap();
    assert!(!lacking.covers(doc.version()), "the queue is bounded");
    let rejected = notes.rejected.get_untracked();
    assert_eq!(rejected.first().unwrap().message(), "not this one");
    tab.say(TabMessageKind::Missing(doc.delta_since(&lacking).unwrap()));
    let seen = lines(&notes);
    until(move || seen().len() as u32 >= count - 1).await;
}

/// A page, and another tab that dies after it has stored an edit but before it sends the edit.
struct Heir {
    notes: UseDocReturn<Notes>,
    _owner: Owner,
    /// The name of the other tab's lock, and the promise whose end releases it.
    lock: String,
    died: Promise,
}

impl Heir {
    async fn begin(scratch: &Scratch) -> Self {
        let dead = ReplicaId::new(7);
        let lock = format!("leptos-sync:{}:replica:{dead}", scratch.name());
        let hold = format!(
            "navigator.locks.request({lock:?}, () => new Promise(die => {{ globalThis.die = die }}))"
        );
        let died = Promise::from(js_sys::eval(&hold).unwrap());
        let options = SyncOptions::default().database(scratch.name());
        let (owner, notes) = opened(options.relay(NOWHERE)).await;
        // The message about the other tab makes the page wait for its lock.
        let tab = Tab::join(scratch);
        let mut doc = Doc::<Notes>::new(Clock::system(dead));
        let first = line(&mut doc, 1);
        tab.say(TabMessageKind::Edit(first.clone()));
        let (seen, pending) = (lines(&notes), notes.pending);
        until(move || seen() == [1]).await;
        tab.say(TabMessageKind::Rejected {
            upto: first.upto().clone(),
            reason: Reason::Forbidden,
            text: String::new(),
        });
        until(move || seen().is_empty() && pending.get() == 0).await;
        let store = DocStore::new(scratch.open().await, "notes").unwrap();
        let write = store.log(&[line(&mut doc, 2)]);
        store.storage().commit(write.batch).await.unwrap();
        Self {
            notes,
            _owner: owner,
            lock,
            died,
        }
    }

    /// Ends the other tab.
    async fn die(&self) {
        js_sys::eval("globalThis.die()").unwrap();
        JsFuture::from(self.died.clone()).await.unwrap();
    }
}

/// If this page released the lock before it knew that there are transactions to send, no tab would
/// send them.
#[wasm_bindgen_test]
async fn a_tab_that_takes_over_holds_the_lock_while_it_reads_the_dead_tabs_edits() {
    let scratch = Scratch::new("heir");
    let heir = Heir::begin(&scratch).await;
    heir.die().await;
    let (seen, pending) = (lines(&heir.notes), heir.notes.pending);
    until(move || seen() == [2] && pending.get() == 1).await;
    let held = "navigator.locks.query().then(all => all.held.map(lock => lock.name).join())";
    let held = Promise::from(js_sys::eval(held).unwrap());
    let held = JsFuture::from(held).await.unwrap();
    assert!(held.as_string().unwrap().contains(&heir.lock), "{held:?}");
}

/// Data read before the end of a compaction is stale.
#[wasm_bindgen_test]
async fn edits_of_a_dead_tab_are_found_even_during_a_compaction() {
    let scratch = Scratch::new("busy-heir");
    let heir = Heir::begin(&scratch).await;
    // The compaction takes long enough for the page to get the lock and start reading after it.
    let slow = Patch::method(
        "IDBObjectStore",
        "put",
        "for (let i = 0; i < 5000; i += 1) this.getKey('none'); return genuine.apply(this, arguments)",
    );
    let large = "x".repeat(limits::VALUE_BYTES / 2);
    let edit = heir.notes.live.transact(|tx| {
        for key in 10..14 {
            tx.lines().insert(key, large.clone());
        }
    });
    edit.unwrap();
    heir.die().await;
    drop(slow);
    let seen = lines(&heir.notes);
    until(move || seen() == [2, 10, 11, 12, 13]).await;
}

/// Relays do not accept such a name: sending it would end the connection of all documents.
#[wasm_bindgen_test]
async fn a_document_with_an_invalid_name_stays_in_memory_and_rejected() {
    let scratch = Scratch::new("nameless");
    let options = SyncOptions::default().database(scratch.name());
    let (owner, notes) = opened(options.relay(NOWHERE)).await;
    let nameless = owner.with(|| use_doc::<Notes>(""));
    let refused = nameless.connection;
    until(move || matches!(refused.get(), Connection::Refused(Cause::Invalid(_)))).await;
    assert!(nameless.error.get_untracked().unwrap().is_limit());
    let connection = notes.connection;
    until(move || connection.get() == Connection::Offline(Cause::Unreachable)).await;
    assert!(matches!(
        refused.get_untracked(),
        Connection::Refused(Cause::Invalid(_))
    ));
}
