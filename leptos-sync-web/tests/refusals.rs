//! What pages do that a relay refuses.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic here is a failed test"
)]

mod common;

use std::rc::Rc;

use any_spawner::Executor;
use common::{Patch, Relay, Scratch};
use futures::StreamExt;
use leptos::prelude::*;
use leptos_sync_core::{
    Time, VersionVector,
    sync::{Ask, Permission, Reason, Response},
};
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, UseDocReturn, provide_sync, use_doc,
};
use wasm_bindgen::closure::Closure;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// Opens a document as a page that has just been loaded does.
fn page(scratch: &Scratch) -> (Owner, UseDocReturn<Page>) {
    // Initialised by the first test of all.
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

/// Resolves when `is` holds, which depends on signals.
async fn until(is: impl Fn() -> bool + 'static) {
    let (tell, mut told) = futures::channel::mpsc::unbounded();
    let effect = Effect::new(move || {
        if is() {
            let _ = tell.unbounded_send(());
        }
    });
    told.next().await;
    effect.stop();
}

#[wasm_bindgen_test]
async fn a_document_that_is_opened_in_a_refused_page_says_why() {
    let scratch = Scratch::new("refused-page");
    let relay = Relay::start();
    let (owner, first) = page(&scratch);
    relay.asked().await;
    relay.say(&Response::Bye {
        reason: Reason::Unauthorized,
        text: "sign in again".to_owned(),
    });
    until(move || first.connection.get() == Connection::Refused).await;
    let second = owner.with(|| use_doc::<Page>("second"));
    until(move || second.connection.get() == Connection::Refused).await;
    let reason = second.reason.get_untracked().unwrap();
    assert_eq!(reason.text, "sign in again");
}

/// It would be written under the id as soon as it is loaded, and the first edit of it would be taken back.
#[wasm_bindgen_test]
async fn a_document_that_is_being_loaded_goes_on_under_another_id_when_the_relay_refuses_its_own() {
    let scratch = Scratch::new("forged");
    let relay = Relay::start();
    let (owner, first) = page(&scratch);
    relay.welcome().await;
    let Ask::Open { channel, .. } = relay.asked().await else {
        panic!("a document is opened");
    };
    relay.say(&Response::Opened {
        channel,
        permission: Permission::Write,
        version: VersionVector::new(),
        floor: Time::ZERO,
        now_ms: js_sys::Date::now() as u64,
    });
    first.doc.title().set("somebody else's".to_owned());
    let Ask::Push { deltas, .. } = relay.asked().await else {
        panic!("it is sent");
    };
    let upto = deltas.first().unwrap().upto().clone();
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
    // While it is being read.
    let read = Patch::method(
        "IDBObjectStore",
        "getAllKeys",
        "queueMicrotask(globalThis.forged); return genuine.apply(this, arguments)",
    );
    let second = owner.with(|| use_doc::<Page>("second"));
    until(move || !second.loading.get()).await;
    drop(read);
    assert!(first.rejected.get_untracked().is_some());
    for document in [&first.live, &second.live] {
        assert_ne!(document.with_doc(|doc| doc.replica()), refused);
    }
}
