//! Pages whose edits, documents or connections a relay rejects.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod common;

use std::rc::Rc;

use any_spawner::Executor;
use common::{Patch, Relay, Scratch, sleep, until};
use leptos::prelude::*;
use leptos_sync_core::{
    VersionVector,
    storage::Storage,
    sync::{Channel, ClientRequest, Permission, Reason, Response},
};
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, UseDocReturn, provide_sync, status::Cause, use_doc,
};
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// Opens a document, like a page that was just loaded.
fn page(scratch: &Scratch) -> (Owner, UseDocReturn<Page>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let page = owner.with(|| {
        let options = SyncOptions::default().database(scratch.name());
        provide_sync(options.relay("/sync"));
        use_doc::<Page>("first")
    });
    owner.set();
    (owner, page)
}

/// Returns the version of the transaction that the page sends next.
async fn pushed(relay: &Relay) -> VersionVector {
    let ClientRequest::Push { deltas, .. } = relay.asked().await else {
        panic!("the page did not send the transaction");
    };
    deltas.first().unwrap().upto().clone()
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
async fn a_user_can_recover_a_rejected_edit_until_it_is_dismissed() {
    let scratch = Scratch::new("kept");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("an hour's work".to_owned());
    let upto = pushed(&relay).await;
    relay.say(&Response::Reject {
        channel,
        upto,
        reason: Reason::Forbidden,
        text: "not this".to_owned(),
    });
    until(move || !page.rejected.get().is_empty()).await;
    assert_eq!(page.doc.title().get_untracked(), "");
    page.doc.title().set("a later edit".to_owned());
    until(move || page.saved.get()).await;
    let rejected = page.rejected.get_untracked();
    let rejection = rejected.first().unwrap();
    assert!(!rejection.is_local());
    assert_eq!(rejection.to_string(), "not permitted: not this");
    let state = rejection.state::<Page>().unwrap();
    assert_eq!(state.title.get(), "an hour's work");
    rejection.dismiss();
    assert!(page.rejected.get_untracked().is_empty());
}

fn forbid(relay: &Relay, channel: Channel, upto: VersionVector) {
    relay.say(&Response::Reject {
        channel,
        upto,
        reason: Reason::Forbidden,
        text: "you may only read".to_owned(),
    });
}

/// The relay does not record the rejected edit, so it lacks it on each connection.
#[wasm_bindgen_test]
async fn a_rejected_edit_is_not_listed_again_after_a_reconnect() {
    let scratch = Scratch::new("once");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("refused".to_owned());
    let upto = pushed(&relay).await;
    forbid(&relay, channel, upto.clone());
    assert_eq!(page.rejected.get_untracked().len(), 1);
    page.rejected.get_untracked().dismiss_all();
    // Another tab may send it again.
    forbid(&relay, channel, upto);
    assert_eq!(page.rejected.get_untracked().len(), 0);
    until(move || page.saved.get()).await;
    relay.end(Reason::Other, "restarting");
    js_sys::eval("dispatchEvent(new Event('online'))").unwrap();
    relay.welcome().await;
    relay.opens(Permission::Write).await;
    page.doc.title().set("permitted".to_owned());
    let ClientRequest::Push { deltas, .. } = relay.asked().await else {
        panic!("the page did not send the transaction");
    };
    let [delta] = deltas.as_slice() else {
        panic!("{} transactions", deltas.len());
    };
    assert_eq!((delta.len(), delta.after()), (1, &VersionVector::new()));
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
        sent.push(pushed(&relay).await);
    }
    for upto in sent {
        forbid(&relay, channel, upto);
    }
    let texts = move || -> Vec<String> {
        let rejected = page.rejected.get_untracked().into_iter();
        let states = rejected.filter_map(|rejection| rejection.state::<Page>());
        states.map(|state| state.title.get().clone()).collect()
    };
    assert_eq!(texts(), ["abc"]);
    assert_eq!(page.doc.title().get_untracked(), "");
    until(move || page.saved.get()).await;
    page.doc.title().set("later".to_owned());
    let upto = pushed(&relay).await;
    forbid(&relay, channel, upto);
    assert_eq!(texts(), ["abc", "later"]);
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
    let storage = scratch.open().await;
    while storage.scan_prefix(b"D").await.unwrap().is_empty() {
        sleep(0).await;
    }
    drop(relay);
    let silent = Relay::start();
    let (_owner, second) = page(&scratch);
    until(move || !second.loading.get()).await;
    assert_eq!(second.permission.get_untracked(), Some(Permission::Read));
    // A page that is not admitted would connect to the relay of the next test.
    silent.opened().await;
}

/// If the document used the rejected id after loading, its first edit would be rolled back.
#[wasm_bindgen_test]
async fn a_loading_document_gets_a_new_id_when_the_relay_rejects_its_id() {
    let scratch = Scratch::new("forged");
    let relay = Relay::start();
    let (owner, first) = page(&scratch);
    let channel = relay.opened().await;
    first.doc.title().set("somebody else's".to_owned());
    let upto = pushed(&relay).await;
    let refused = first.live.with_doc(|doc| doc.replica());
    let says = Rc::clone(&relay);
    let forged = Closure::<dyn FnMut()>::new(move || {
        says.say(&Response::Reject {
            channel,
            upto: upto.clone(),
            reason: Reason::Forged,
            text: "not yours".to_owned(),
        });
    });
    js_sys::Reflect::set(&js_sys::global(), &"forged".into(), forged.as_ref()).unwrap();
    // The rejection arrives during the load.
    let read = Patch::method(
        "IDBObjectStore",
        "getAllKeys",
        "queueMicrotask(globalThis.forged); return genuine.apply(this, arguments)",
    );
    let second = owner.with(|| use_doc::<Page>("second"));
    until(move || !second.loading.get()).await;
    drop(read);
    assert_eq!(first.rejected.get_untracked().len(), 1);
    for document in [&first.live, &second.live] {
        assert_ne!(document.with_doc(|doc| doc.replica()), refused);
    }
}

/// The later write of the acknowledgement succeeds, but does not contain the edit.
#[wasm_bindgen_test]
async fn a_failed_save_stays_visible_until_the_edit_is_saved() {
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
    let upto = pushed(&relay).await;
    until(move || page.error.get().is_some()).await;
    drop(full);
    relay.say(&Response::Ack { channel, upto });
    let storage = scratch.open().await;
    while storage.scan_prefix(b"D").await.unwrap().is_empty() {
        sleep(0).await;
    }
    // The page may learn of the successful write a moment later.
    sleep(0).await;
    assert_eq!(page.unsaved.get_untracked(), 1);
    assert!(page.error.get_untracked().unwrap().is_quota());
    page.doc.title().set("once more".to_owned());
    until(move || page.saved.get()).await;
    assert!(page.error.get_untracked().is_none());
}

/// The edit follows the rewritten data. If the rewrite failed and the page ended, the next page
/// could not load the edit.
#[wasm_bindgen_test]
async fn an_edit_waits_while_stored_data_is_rewritten() {
    let scratch = Scratch::new("anew");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("refused".to_owned());
    let upto = pushed(&relay).await;
    until(move || page.saved.get()).await;
    // A rewrite deletes the stored records.
    let full = Patch::method(
        "IDBObjectStore",
        "delete",
        "throw new DOMException('full', 'QuotaExceededError')",
    );
    relay.say(&Response::Reject {
        channel,
        upto,
        reason: Reason::Forbidden,
        text: "not this".to_owned(),
    });
    page.doc.title().set("later".to_owned());
    until(move || page.error.get().is_some()).await;
    let storage = scratch.open().await;
    assert_eq!(storage.scan_prefix(b"D").await.unwrap().len(), 1);
    drop(full);
    until(move || page.saved.get()).await;
    assert_eq!(page.doc.title().get_untracked(), "later");
}

/// No other replica has seen the edit, and the clock may be correct the next time.
#[wasm_bindgen_test]
async fn an_edit_rejected_repeatedly_for_its_stamp_stays_pending() {
    let scratch = Scratch::new("time");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    let channel = relay.opened().await;
    page.doc.title().set("stays".to_owned());
    for again in [true, false] {
        let upto = pushed(&relay).await;
        relay.say(&Response::Reject {
            channel,
            upto,
            reason: Reason::Drift,
            text: "too early".to_owned(),
        });
        if again {
            relay.opens(Permission::Write).await;
        }
    }
    until(move || !page.rejected.get().is_empty()).await;
    assert_eq!(page.doc.title().get_untracked(), "stays");
    assert_eq!(page.pending.get_untracked(), 1);
    assert!(!page.synced.get_untracked());
}
