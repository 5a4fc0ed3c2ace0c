//! Pages of one browser exchange edits without a relay, without storage, and while the relay is
//! offline.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Patch, Scratch, Tab, set_global, sleep, until, with_indexed_db};
use futures::StreamExt;
use leptos::prelude::*;
use leptos_sync_core::{
    Time,
    clock::{ManualTime, SystemTime, TimeSource},
    history::TabEntry,
    limits,
    replica::Replica,
    sync::{Reason, TabMessageKind},
};
use leptos_sync_web::{
    Clock, Connection, Crdt, GCounter, LwwMap, ReplicaId, SyncOptions, UseDocReturn, provide_sync,
    status::{Cause, StorageKind},
    use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

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

#[wasm_bindgen_test]
async fn a_document_open_as_two_types_shows_all_edits_in_both() {
    let scratch = Scratch::new("types");
    let options = || SyncOptions::default().database(scratch.name());
    let (owner, notes) = opened(options()).await;
    let older = owner.with(|| use_doc::<OlderNotes>("notes"));
    let loading = older.loading;
    until(move || !loading.get()).await;
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

fn replica() -> Replica<Notes> {
    Replica::new(Clock::system(ReplicaId::default()))
}

fn line(replica: &mut Replica<Notes>, line: u32) -> TabEntry {
    let edit = replica.transact(|tx| tx.lines().insert(line, "by another tab".to_owned()));
    let id = edit.unwrap().entry.unwrap().id;
    replica.entry(id).unwrap()
}

/// The tab that received the request may not have the data yet, but another one may.
#[wasm_bindgen_test]
async fn missing_edits_are_requested_at_once_and_again_after_a_delay() {
    let scratch = Scratch::new("asking");
    let mut tab = Tab::join(&scratch);
    let (_owner, notes) = opened(SyncOptions::default().database(scratch.name())).await;
    tab.asked.next().await.unwrap();
    let mut replica = replica();
    let [_, second, third] = [1, 2, 3].map(|key| line(&mut replica, key));
    tab.say(TabMessageKind::Edit(second));
    tab.asked.next().await.unwrap();
    tab.say(TabMessageKind::Edit(third));
    for _ in 0..20 {
        sleep(0).await;
    }
    assert!(
        tab.asked.try_recv().is_err(),
        "the last request was just sent"
    );
    let (asker, known) = tab.asked.next().await.unwrap();
    let (entries, heads) = replica.outbox_after(&known);
    tab.say(TabMessageKind::Outbox {
        asker,
        entries,
        heads,
    });
    let seen = lines(&notes);
    until(move || seen() == [1, 2, 3]).await;
}

/// A long outbox would otherwise be sent each time that a page is shown.
#[wasm_bindgen_test]
async fn a_tab_answers_with_the_edits_that_the_other_tab_lacks() {
    let scratch = Scratch::new("lacking");
    let options = SyncOptions::default().database(scratch.name());
    let (_owner, notes) = opened(options.relay(NOWHERE)).await;
    for key in 1..=2 {
        notes.doc.lines().insert(key, "by the page".to_owned());
    }
    let mut tab = Tab::join(&scratch);
    let ask = |known| TabMessageKind::OutboxRequest { asker: 7, known };
    tab.say(ask(Vec::new()));
    let entries = tab.answered.next().await.unwrap();
    assert_eq!(entries.len(), 2);
    let mut replica = replica();
    replica.join_outbox(&entries, &[]);
    tab.say(ask(replica.known_heads()));
    assert_eq!(tab.answered.next().await.unwrap(), []);
    notes.doc.lines().insert(3, "by the page".to_owned());
    tab.say(ask(replica.known_heads()));
    let entries = tab.answered.next().await.unwrap();
    let numbers: Vec<_> = entries.iter().map(|(entry, _)| entry.id.number).collect();
    assert_eq!(numbers, [3]);
}

/// Otherwise the page would stamp its own edits a day ahead, too.
#[wasm_bindgen_test]
async fn edits_of_a_tab_with_a_wrong_clock_lose_to_later_ones_once_restamped() {
    let scratch = Scratch::new("restamped");
    let options = SyncOptions::default().database(scratch.name());
    let (_owner, notes) = opened(options.relay(NOWHERE)).await;
    let tab = Tab::join(&scratch);
    let now_ms = SystemTime.now_ms();
    let clock = ManualTime::at(now_ms + 24 * 3_600_000);
    let mut replica = Replica::<Notes>::new(Clock::new(ReplicaId::default(), clock.clone()));
    let tomorrow = line(&mut replica, 1);
    let id = tomorrow.0.id;
    tab.say(TabMessageKind::Edit(tomorrow));
    let seen = lines(&notes);
    until(move || seen() == [1]).await;
    clock.set(now_ms);
    let now = Time::try_from_ms(now_ms).unwrap();
    replica.restamp(id, now).unwrap();
    tab.say(TabMessageKind::Restamp(replica.outbox()));
    // This message is handled after the one before.
    tab.say(TabMessageKind::Edit(line(&mut replica, 2)));
    until(move || seen() == [1, 2]).await;
    notes.doc.lines().insert(3, "now".to_owned());
    let version = notes.live.snapshot().unwrap();
    let day_ahead = Time::try_from_ms(now_ms + 12 * 3_600_000).unwrap();
    for group in version.cells().groups() {
        for cell in group.cells() {
            assert!(cell.stamp.time < day_ahead, "a stamp is from the future");
        }
    }
}

/// A tab that cannot finish loading must not queue all messages that it receives.
#[wasm_bindgen_test]
async fn a_tab_with_a_slow_load_requests_edits_it_could_not_queue() {
    let scratch = Scratch::new("unheard");
    set_global("failures", 2);
    let slow = Patch::method(
        "IDBObjectStore",
        "getAllKeys",
        "if (!globalThis.failures) return genuine.apply(this, arguments);
         globalThis.failures -= 1;
         throw new DOMException('not now', 'UnknownError')",
    );
    let (_owner, notes) = page(SyncOptions::default().database(scratch.name()));
    // The page is listening once it has tried to load.
    let error = notes.error;
    until(move || error.get().is_some()).await;
    let mut tab = Tab::join(&scratch);
    let mut replica = replica();
    let count = limits::QUEUED_TAB_MESSAGES as u32 + 10;
    let first = line(&mut replica, 0);
    tab.say(TabMessageKind::Edit(first.clone()));
    for key in 1..count {
        tab.say(TabMessageKind::Edit(line(&mut replica, key)));
    }
    tab.say(TabMessageKind::Reject {
        id: first.0.id,
        reason: Reason::Forbidden,
        text: "not this one".to_owned(),
    });
    assert!(notes.loading.get_untracked());
    let (asker, known) = tab.asked.next().await.unwrap();
    drop(slow);
    let (entries, heads) = replica.outbox_after(&known);
    tab.say(TabMessageKind::Outbox {
        asker,
        entries,
        heads,
    });
    let seen = lines(&notes);
    until(move || seen().len() as u32 >= count - 1).await;
    let rejected = notes.rejected.get_untracked();
    assert_eq!(rejected.first().unwrap().message(), "not this one");
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
