//! Users who may only read, and what they have edited before the page knew that.
#![cfg(target_arch = "wasm32")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use any_spawner::Executor;
use common::{Relay, Scratch, until};
use leptos::prelude::*;
use leptos_sync_core::sync::{Permission, Reason, Response};
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, UseDocReturn, provide_sync, use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// Opens the page, like one that was just loaded.
fn page(scratch: &Scratch) -> (Owner, UseDocReturn<Page>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let page = owner.with(|| {
        provide_sync(
            SyncOptions::default()
                .database(scratch.name())
                .relay("/sync"),
        );
        use_doc::<Page>("page")
    });
    owner.set();
    (owner, page)
}

/// Returns the only rejection, with its title.
fn listed(page: &UseDocReturn<Page>) -> (Reason, String) {
    let rejected = page.rejected.get_untracked();
    assert_eq!(rejected.len(), 1);
    let state = rejected[0].state::<Page>().unwrap();
    (rejected[0].reason(), state.title.get().clone())
}

#[wasm_bindgen_test]
async fn offline_edits_of_a_user_who_may_only_read_are_listed_with_their_content_until_sent() {
    let scratch = Scratch::new("waiting");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    for text in ["h", "hi"] {
        page.doc.title().set(text.to_owned());
    }
    relay.welcome().await;
    let channel = relay.opens(Permission::Read).await;
    until(move || !page.rejected.get().is_empty()).await;
    assert_eq!(listed(&page), (Reason::Forbidden, "hi".to_owned()));
    assert_eq!(page.doc.title().get_untracked(), "hi");
    assert_eq!(page.pending.get_untracked(), 2);

    // They are listed once for each connection, unless the user has read it.
    page.rejected.get_untracked().dismiss_all();
    relay.end(Reason::GoingAway, "restarting");
    relay.welcome().await;
    let again = relay.opens(Permission::Read).await;
    assert!(page.rejected.get_untracked().is_empty());

    let permission = Permission::Write;
    relay.say(&Response::Permission {
        channel: again,
        permission,
    });
    let mut sent = relay.pushed().await;
    while sent.len() < 2 {
        sent.extend(relay.pushed().await);
    }
    relay.acknowledge(channel, &sent);
    until(move || page.synced.get()).await;
}

#[wasm_bindgen_test]
async fn an_offline_edit_of_a_known_reader_is_listed_at_once_and_no_more_when_the_user_may_edit() {
    let scratch = Scratch::new("known-reader");
    let relay = Relay::start();
    let (_owner, page) = page(&scratch);
    relay.welcome().await;
    relay.opens(Permission::Read).await;
    until(move || page.permission.get() == Some(Permission::Read) && page.synced.get()).await;
    relay.end(Reason::GoingAway, "restarting");
    until(move || page.connection.get() != Connection::Online).await;
    for text in ["h", "hi"] {
        page.doc.title().set(text.to_owned());
        assert_eq!(listed(&page), (Reason::Forbidden, text.to_owned()));
    }
    assert_eq!(page.doc.title().get_untracked(), "hi");
    // The user has received the permission meanwhile.
    relay.welcome().await;
    let channel = relay.opens(Permission::Write).await;
    let mut sent = relay.pushed().await;
    while sent.len() < 2 {
        sent.extend(relay.pushed().await);
    }
    relay.acknowledge(channel, &sent);
    until(move || page.synced.get()).await;
    assert!(page.rejected.get_untracked().is_empty());
}
