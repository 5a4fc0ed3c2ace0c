//! Several users of a browser, who share its database.
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
    history::{Entry, user_checksum},
    replica::Replica,
    storage::Storage as _,
    sync::{Permission, Reason, TabMessageKind},
};
use leptos_sync_web::{
    Clock, Connection, Crdt, LwwMap, ReplicaId, SyncOptions, UseDocReturn, provide_sync, use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Notes {
    lines: LwwMap<u32, String>,
}

/// Opens the notes for a user, like a page that was just loaded. The signal is the user's name, and
/// the user's credentials.
fn page(
    scratch: &Scratch,
    user: &str,
    keep_guest_edits: bool,
) -> (Owner, UseDocReturn<Notes>, RwSignal<String>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let (notes, user) = owner.with(|| {
        let user = RwSignal::new(user.to_owned());
        let options = SyncOptions::default()
            .database(scratch.name())
            .relay("/sync");
        let options = options.user(move || user.get());
        let options = options.credentials(move || user.get());
        provide_sync(options.keep_guest_edits(keep_guest_edits));
        (use_doc::<Notes>("notes"), user)
    });
    owner.set();
    (owner, notes, user)
}

/// Stores edits that a page of `user` has not sent to the relay. Returns them.
async fn unsent(scratch: &Scratch, user: &str, lines: &[u32]) -> Vec<Entry> {
    let storage = scratch.open().await;
    let mut store = ReplicaStore::new(storage.clone(), "notes").unwrap();
    let clock = Clock::system(ReplicaId::default());
    let mut replica = store.load::<Notes>(clock).await.unwrap().replica;
    replica.set_user(user_checksum(user));
    let mut entries = Vec::new();
    for line in lines {
        let written = replica.transact(|tx| tx.lines().insert(*line, user.to_owned()));
        entries.push(written.unwrap().entry.unwrap());
    }
    let write = store.save(&mut replica).unwrap();
    assert!(
        storage
            .commit_if(write.expected, write.batch)
            .await
            .unwrap()
    );
    entries
}

/// Returns the next `count` entries that the page sends, and the time for another tab's to follow.
async fn sent(relay: &Relay, count: usize) -> Vec<Entry> {
    let mut entries = relay.pushed().await;
    while entries.len() < count {
        entries.extend(relay.pushed().await);
    }
    entries
}

/// Lets the next user connect.
async fn signs_in(relay: &Relay, notes: &UseDocReturn<Notes>, user: &str) {
    let connection = notes.connection;
    until(move || connection.get() != Connection::Online).await;
    relay.lost();
    assert_eq!(relay.shown().await, (user.to_owned(), false));
    relay.admit();
}

/// The relay has never seen the page that made the edits, so it could not reject them.
#[wasm_bindgen_test]
async fn edits_of_a_user_who_never_was_online_are_sent_in_no_other_name() {
    let scratch = Scratch::new("users-unbound");
    let adas = unsent(&scratch, "ada", &[1, 2]).await;
    let relay = Relay::start();
    let (_owner, notes, user) = page(&scratch, "eve", false);
    let channel = relay.opened().await;
    until(move || !notes.rejected.get().is_empty()).await;
    let rejected = notes.rejected.get_untracked();
    assert_eq!((rejected.len(), rejected[0].reason()), (1, Reason::Forged));
    assert!(rejected[0].message().contains("another user"));
    // All users see the document.
    assert_eq!(notes.doc.lines().keys().get_untracked(), [1, 2]);

    // By then, the page would have sent the edits of a page that is gone.
    common::sleep(1_200).await;
    notes.doc.lines().insert(3, "eve".to_owned());
    let eves = sent(&relay, 1).await;
    assert_eq!(eves.len(), 1);
    assert!(
        adas.iter()
            .all(|entry| entry.id.replica != eves[0].id.replica)
    );
    relay.acknowledge(channel, &eves);
    until(move || notes.pending.get() == 2).await;
    assert!(!notes.synced.get_untracked());

    user.set("ada".to_owned());
    signs_in(&relay, &notes, "ada").await;
    let channel = relay.opens(Permission::Write).await;
    let ours = sent(&relay, 2).await;
    let ids = |entries: &[Entry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
    assert_eq!(ids(&ours), ids(&adas));
    relay.acknowledge(channel, &ours);
    until(move || notes.synced.get()).await;
    assert!(notes.rejected.get_untracked().is_empty());
}

#[wasm_bindgen_test]
async fn a_tab_sends_nothing_of_another_tab_with_another_user() {
    let scratch = Scratch::new("users-tabs");
    let relay = Relay::start();
    let (_owner, notes, _user) = page(&scratch, "eve", false);
    let channel = relay.opened().await;
    let tab = Tab::join(&scratch);
    let mut adas = Replica::<Notes>::new(Clock::system(ReplicaId::default()));
    adas.set_user(user_checksum("ada"));
    adas.transact(|tx| tx.lines().insert(1, "ada".to_owned()))
        .unwrap();
    tab.say(TabMessageKind::Edit(adas.outbox()[0].clone()));
    until(move || notes.doc.lines().keys().get() == [1]).await;
    common::sleep(1_200).await;
    notes.doc.lines().insert(2, "eve".to_owned());
    let eves = sent(&relay, 1).await;
    assert_eq!(eves.len(), 1);
    assert_ne!(Some(eves[0].id.replica), adas.own_id());
    // The edits of one's own other tabs are sent.
    let mut other = Replica::<Notes>::new(Clock::system(ReplicaId::default()));
    other.set_user(user_checksum("eve"));
    other
        .transact(|tx| tx.lines().insert(3, "eve".to_owned()))
        .unwrap();
    tab.say(TabMessageKind::Edit(other.outbox()[0].clone()));
    let others = sent(&relay, 1).await;
    assert_eq!(Some(others[0].id.replica), other.own_id());
    relay.acknowledge(channel, &eves);
}

#[wasm_bindgen_test]
async fn the_edits_of_a_guest_belong_to_the_user_who_signs_in_and_to_no_later_one() {
    let scratch = Scratch::new("users-guest");
    let guests = unsent(&scratch, "", &[1]).await;
    let relay = Relay::start();
    let (_owner, notes, user) = page(&scratch, "ada", true);
    let channel = relay.opened().await;
    let adas = sent(&relay, 1).await;
    assert_eq!(adas[0].id, guests[0].id);
    // The relay never answers.
    let _ = channel;
    until(move || notes.saved.get()).await;
    user.set("eve".to_owned());
    signs_in(&relay, &notes, "eve").await;
    relay.opens(Permission::Write).await;
    until(move || !notes.rejected.get().is_empty()).await;
    common::sleep(1_200).await;
    notes.doc.lines().insert(2, "eve".to_owned());
    let eves = sent(&relay, 1).await;
    assert_eq!(eves.len(), 1);
    assert_ne!(eves[0].id.replica, guests[0].id.replica);

    // So it is after a reload.
    let storage = scratch.open().await;
    let mut store = ReplicaStore::new(storage, "notes").unwrap();
    let clock = Clock::system(ReplicaId::default());
    let replica = store.load::<Notes>(clock).await.unwrap().replica;
    let adas = user_checksum("ada");
    let stored = replica.entries().iter().map(|one| one.entry());
    let of_guest = stored.filter(|entry| entry.id == guests[0].id);
    assert!(of_guest.map(|entry| entry.user).eq([adas]));
}
