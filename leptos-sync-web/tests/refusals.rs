//! Pages whose edits, documents or connections a relay rejects.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use any_spawner::Executor;
use common::{Patch, Relay, Scratch, until};
use leptos::prelude::*;
use leptos_sync_core::{
    history::IdHead,
    sync::{ClientRequest, Permission, Reason, Response},
};
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, UseDocReturn, provide_sync, status::Cause, use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// Opens a document, like a page that was just loaded.
fn page(scratch: &Scratch) -> (Owner, UseDocReturn<Page>) {
    page_with(scratch, SyncOptions::default())
}

fn page_with(scratch: &Scratch, options: SyncOptions) -> (Owner, UseDocReturn<Page>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let page = owner.with(|| {
        let options = options.database(scratch.name());
        provide_sync(options.relay("/sync"));
        use_doc::<Page>("first")
    });
    owner.set();
    (owner, page)
}

/// `Page` in another component of the app.
#[derive(Crdt, Clone, Default)]
struct OtherPage {
    note: LwwRegister<String>,
}

/// A relay refuses to open a document twice on one connection.
#[wasm_bindgen_test]
async fn a_document_that_is_open_as_another_type_reports_an_error_and_is_not_opened_again() {
    let scratch = Scratch::new("two-types");
    let relay = Relay::start();
    let (owner, first) = page(&scratch);
    let channel = relay.opened().await;
    let other = owner.with(|| use_doc::<OtherPage>("first"));
    let connection = other.connection;
    until(move || matches!(connection.get(), Connection::Refused(Cause::Invalid(_)))).await;
    let error = other.error.get_untracked().unwrap().to_string();
    assert!(error.contains("reload the page"), "{error}");
    assert!(first.error.get_untracked().is_none());
    first.doc.title().set("sent".to_owned());
    // The page has not opened the document a second time.
    let entries = relay.pushed().await;
    relay.acknowledge(channel, &entries);
    let synced = first.synced;
    until(move || synced.get()).await;
}

#[wasm_bindgen_test]
async fn a_document_opened_in_a_rejected_page_reports_the_reason() {
    let scratch = Scratch::new("refused-page");
    let relay = Relay::start();
    let (owner, first) = page(&scratch);
    relay.asked().await;
    relay.say(&Response::Bye {
        reason: Reason::Unauthorized,
        text: "sign in again".to_owned(),
    });
    until(move || matches!(first.connection.get(), Connection::Refused(_))).await;
    let second = owner.with(|| use_doc::<Page>("second"));
    until(move || matches!(second.connection.get(), Connection::Refused(_))).await;
    let cause = Cause::Relay {
        reason: Reason::Unauthorized,
        message: "sign in again".into(),
    };
    assert_eq!(
        second.connection.get_untracked(),
        Connection::Refused(cause)
    );
    assert_eq!(
        second.connection.get_untracked().to_string(),
        "Not synchronized: not authorized: sign in again."
    );
}

#[wasm_bindgen_test]
async fn a_page_with_a_relay_starts_connecting_and_learns_its_permission() {
    let scratch = Scratch::new("permission");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    assert_eq!(page.connection.get_untracked(), Connection::Connecting);
    assert_eq!(page.permission.get_untracked(), None);
    relay.welcome().await;
    relay.opens(Permission::Read).await;
    until(move || page.permission.get() == Some(Permission::Read)).await;
    assert_eq!(page.connection.get_untracked(), Connection::Online);
}

#[wasm_bindgen_test]
async fn an_edit_of_a_user_who_may_only_read_is_undone_and_listed() {
    let scratch = Scratch::new("reader");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    relay.welcome().await;
    let channel = relay.opens(Permission::Read).await;
    until(move || page.permission.get() == Some(Permission::Read) && page.synced.get()).await;
    for text in ["one", "two"] {
        page.doc.title().set(text.to_owned());
        until(move || page.doc.title().get().is_empty()).await;
    }
    let rejected = page.rejected.get_untracked();
    assert_eq!(rejected.iter().count(), 2);
    let first = rejected.first().unwrap();
    assert_eq!(first.state::<Page>().unwrap().title.get(), "one");
    until(move || page.synced.get() && page.saved.get()).await;

    // A user who is permitted to edit loses nothing.
    let permission = Permission::Write;
    relay.say(&Response::Permission {
        channel,
        permission,
    });
    until(move || page.permission.get() == Some(permission)).await;
    page.doc.title().set("three".to_owned());
    let sent = relay.pushed().await;
    assert_eq!(sent.first().unwrap().id.number, 1);
    assert_eq!(page.doc.title().get_untracked(), "three");
}

#[wasm_bindgen_test]
async fn a_user_can_recover_a_rejected_edit_until_it_is_dismissed() {
    let scratch = Scratch::new("kept");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("an hour's work".to_owned());
    let id = relay.pushed().await.first().unwrap().id;
    relay.reject(channel, id, Reason::Limit, "not this");
    until(move || !page.rejected.get().is_empty()).await;
    assert_eq!(page.doc.title().get_untracked(), "");
    // The entry keeps its number, without its content.
    let emptied = relay.pushed().await;
    assert_eq!(emptied.first().unwrap().id, id);
    assert!(emptied.first().unwrap().cells.is_empty());
    page.doc.title().set("a later edit".to_owned());
    until(move || page.saved.get()).await;
    let rejected = page.rejected.get_untracked();
    let rejection = rejected.first().unwrap();
    assert!(!rejection.is_local());
    assert_eq!(rejection.to_string(), "a limit was exceeded: not this");
    let state = rejection.state::<Page>().unwrap();
    assert_eq!(state.title.get(), "an hour's work");
    rejection.dismiss();
    assert!(page.rejected.get_untracked().is_empty());
}

/// What the relay has must be in the storage, too.
#[wasm_bindgen_test]
async fn an_edit_is_sent_only_once_it_is_saved() {
    let scratch = Scratch::new("unsaved");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    let full = Patch::method(
        "IDBObjectStore",
        "put",
        "throw new DOMException('full', 'QuotaExceededError')",
    );
    page.doc.title().set("unsaved".to_owned());
    until(move || page.error.get().is_some()).await;
    assert!(page.error.get_untracked().unwrap().is_quota());
    assert_eq!(page.unsaved.get_untracked(), 1);
    drop(full);
    page.doc.title().set("once more".to_owned());
    let entries = relay.pushed().await;
    assert_eq!(entries.len(), 2);
    until(move || page.saved.get()).await;
    assert!(page.error.get_untracked().is_none());
    assert!(!page.synced.get_untracked());
    relay.acknowledge(channel, &entries);
    until(move || page.synced.get()).await;
    assert_eq!(page.pending.get_untracked(), 0);
}

/// The relay rejects stamps by its own clock.
#[wasm_bindgen_test]
async fn an_edit_rejected_for_its_stamp_is_restamped_and_sent_again() {
    let scratch = Scratch::new("time");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("stays".to_owned());
    let first = relay.pushed().await;
    relay.reject(channel, first[0].id, Reason::Drift, "too early");
    let again = relay.pushed().await;
    assert_eq!((again[0].id, again[0].hash), (first[0].id, first[0].hash));
    assert!(page.rejected.get_untracked().is_empty());
    assert_eq!(page.doc.title().get_untracked(), "stays");
    assert_eq!(page.pending.get_untracked(), 1);
    relay.acknowledge(channel, &again);
    until(move || page.synced.get()).await;
}

/// The relay has bound the guest's id, and the guest has signed in.
#[wasm_bindgen_test]
async fn a_guest_who_signs_in_keeps_the_edits_that_were_not_sent() {
    let scratch = Scratch::new("guest");
    let relay = Relay::start();
    let options = SyncOptions::default().keep_guest_edits(true);
    let (_owner, page) = page_with(&scratch, options);
    let channel = relay.opened().await;
    page.doc.title().set("by a guest".to_owned());
    let guest = relay.pushed().await;
    relay.reject(channel, guest[0].id, Reason::Forged, "not yours");
    let moved = relay.pushed().await;
    assert_ne!(moved[0].id.replica, guest[0].id.replica);
    assert_eq!(moved[0].time, guest[0].time);
    assert!(page.rejected.get_untracked().is_empty());
    assert_eq!(page.doc.title().get_untracked(), "by a guest");
    relay.acknowledge(channel, &moved);
    until(move || page.synced.get()).await;
}

#[wasm_bindgen_test]
async fn edits_of_another_user_are_neither_sent_nor_lost() {
    let scratch = Scratch::new("another-user");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("by the first user".to_owned());
    let first = relay.pushed().await;
    relay.reject(channel, first[0].id, Reason::Forged, "not yours");
    until(move || !page.rejected.get().is_empty()).await;
    assert_eq!(page.rejected.get_untracked()[0].reason(), Reason::Forged);
    assert_eq!(page.doc.title().get_untracked(), "by the first user");
    page.doc.title().set("by the second user".to_owned());
    let second = relay.pushed().await;
    assert_ne!(second[0].id.replica, first[0].id.replica);
    relay.acknowledge(channel, &second);
    until(move || page.pending.get() == 1).await;
    assert!(!page.synced.get_untracked());
}

#[wasm_bindgen_test]
async fn a_document_removed_at_the_relay_keeps_the_edits_and_reports_them() {
    let scratch = Scratch::new("removed");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("unsent".to_owned());
    relay.pushed().await;
    relay.say(&Response::Removed { channel });
    until(move || page.connection.get() == Connection::Removed).await;
    let rejected = page.rejected.get_untracked();
    let state = rejected.first().unwrap().state::<Page>().unwrap();
    assert_eq!(state.title.get(), "unsent");
    assert_eq!(page.doc.title().get_untracked(), "unsent");
    assert_eq!(page.pending.get_untracked(), 1);

    // Later edits are listed too.
    page.doc.title().set("later".to_owned());
    let rejected = page.rejected.get_untracked();
    assert_eq!(rejected.len(), 1);
    let state = rejected[0].state::<Page>().unwrap();
    assert_eq!(state.title.get(), "later");
    rejected.dismiss_all();
    page.doc.title().set("last".to_owned());
    assert_eq!(page.rejected.get_untracked().len(), 1);
}

#[wasm_bindgen_test]
async fn a_document_stays_removed_when_the_connection_is_lost_and_returns() {
    let scratch = Scratch::new("removed-lost");
    let relay = Relay::start();
    let (owner, page) = page(&scratch);
    let channel = relay.opened().await;
    relay.say(&Response::Removed { channel });
    until(move || page.connection.get() == Connection::Removed).await;
    assert!(matches!(relay.asked().await, ClientRequest::Leave { .. }));
    relay.end(Reason::Unavailable, "restarting");
    assert_eq!(page.connection.get_untracked(), Connection::Removed);
    let other = owner.with(|| use_doc::<Page>("second"));
    relay.opened().await;
    until(move || other.synced.get()).await;
    assert_eq!(page.connection.get_untracked(), Connection::Removed);
    page.doc.title().set("later".to_owned());
    assert_eq!(page.rejected.get_untracked().len(), 1);
}

#[wasm_bindgen_test]
async fn a_removed_document_is_not_synced() {
    let scratch = Scratch::new("removed-synced");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    until(move || page.synced.get()).await;
    relay.say(&Response::Removed { channel });
    until(move || page.connection.get() == Connection::Removed).await;
    assert!(!page.synced.get_untracked());
}

#[wasm_bindgen_test]
async fn typed_text_that_the_relay_rejects_is_listed_once() {
    let scratch = Scratch::new("typed");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    let mut sent = Vec::new();
    for text in ["a", "ab", "abc"] {
        page.doc.title().set(text.to_owned());
        sent.extend(relay.pushed().await);
    }
    relay.reject(channel, sent[0].id, Reason::Limit, "too much");
    for entry in &sent[1..] {
        let (replica, head) = (entry.id.replica, IdHead::default());
        relay.say(&Response::Gap {
            channel,
            replica,
            head,
        });
    }
    let mut again = relay.pushed().await;
    while again.len() < 3 {
        again.extend(relay.pushed().await);
    }
    assert!(again[0].cells.is_empty());
    relay.acknowledge(channel, &again[..1]);
    relay.reject(channel, again[1].id, Reason::Limit, "too much");
    let rejected = page.rejected.get_untracked();
    assert_eq!(rejected.len(), 1);
    let state = rejected[0].state::<Page>().unwrap();
    assert_eq!(state.title.get(), "abc");
    rejected.dismiss_all();
    assert!(page.rejected.get_untracked().is_empty());
}

/// Otherwise a user who may only read could type, and would lose the text.
#[wasm_bindgen_test]
async fn the_permission_is_known_after_a_reload_without_a_network() {
    let scratch = Scratch::new("stored-permission");
    let relay = Relay::start();
    let (_owner, first) = page(&scratch);
    relay.welcome().await;
    relay.opens(Permission::Read).await;
    until(move || first.permission.get() == Some(Permission::Read)).await;
    common::sleep(1_000).await;
    drop(relay);
    let silent = Relay::start();
    let (_owner, second) = page(&scratch);
    until(move || !second.loading.get()).await;
    assert_eq!(second.permission.get_untracked(), Some(Permission::Read));
    // A page that is not admitted would connect to the relay of the next test.
    silent.opened().await;
}
