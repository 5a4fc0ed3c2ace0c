//! One connection's load does not affect the other users of a document, over real WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::slice;

use common::{
    Answer, ByName, Handle, Honest, Raw, Session, SwitchedLog, card, now_ms, open_of, relay_in_use,
    serve_relay, transactions, varint,
};
use leptos_sync_core::{limits, sync::Reason};
use leptos_sync_server::{AllowAnyone, MemoryLog, Relay};

#[tokio::test]
async fn a_large_push_reaches_all_clients_that_keep_up() {
    let (_dir, address, mut honest) = relay_in_use().await;
    // These edits exceed the queue of a connection.
    let text = "x".repeat(100 * 1024);
    let cards = [900, 901, 902, 903, 904].map(|key| (key, text.as_str()));
    let entries = transactions(9, now_ms(), &cards);
    let much = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.push(&entries).await;
        assert_eq!(eve.answer().await, Answer::Ack);
    };
    for (key, text) in cards {
        honest.expect(key, text);
    }
    honest.beside(much).await;
}

#[tokio::test]
async fn too_many_transactions_in_flight_end_the_connection() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let cards = vec![(900, "again"); limits::IN_FLIGHT + 1];
    let entries = transactions(9, now_ms(), &cards);
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.push(&entries).await;
        assert_eq!(eve.bye().await, Some(Reason::Malformed));
    };
    honest.beside(bad).await;
}

/// If the rejected edits of users who may only read left traces, these users could take the ids of
/// other users and exhaust the ids of a document.
#[tokio::test]
async fn a_reader_leaves_no_trace() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let entries = transactions(77, now_ms(), &[(900, "not allowed"), (901, "nor this")]);
    let bad = async {
        for document in ["board", "new"] {
            let mut guest = Raw::open(address, "guest", document).await;
            for entry in &entries {
                guest.push(slice::from_ref(entry)).await;
                assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
            }
        }
    };
    honest.beside(bad).await;
    // The id is unbound, and no document has its entries, so its first entry follows.
    for document in ["board", "new"] {
        let mut ada = Raw::open(address, "ada", document).await;
        ada.push(&entries[1..]).await;
        assert_eq!(ada.answer().await, Answer::Gap);
        ada.push(&entries[..1]).await;
        assert_eq!(ada.answer().await, Answer::Ack);
    }
}

#[tokio::test]
async fn a_reader_who_becomes_a_writer_sends_what_waited() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let handle = Handle::new();
    let goes_on = async {
        let mut reader = Session::open(address, "guest", "board", &handle).await;
        reader.insert(900, "not allowed yet");
        reader
            .until("the document", |reader| reader.card(Honest::KEYS).is_some())
            .await;
        assert_eq!(handle.unanswered(), 1);
        drop(reader);
        let mut writer = Session::open(address, "carol", "board", &handle).await;
        writer.insert(901, "allowed");
        writer.acknowledged().await;
    };
    honest.expect(900, "not allowed yet");
    honest.expect(901, "allowed");
    honest.beside(goes_on).await;
    assert!(handle.state().refused.is_empty());
}

/// The relay does not know what is stored, so it cannot send it.
#[tokio::test]
async fn an_edit_that_is_stored_although_the_log_fails_reaches_the_other_clients_at_once() {
    let log = SwitchedLog::in_memory();
    let (address, _served) = serve_relay(&Relay::new(log.clone(), ByName)).await;
    let (ada, bob) = (Handle::new(), Handle::new());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "first");
    at_ada.acknowledged().await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_bob
        .until("the document", |bob| bob.card(1).is_some())
        .await;
    log.lose_answers(true);
    at_ada.insert(2, "stored all the same");
    at_ada
        .until("an answer", |ada| ada.state().closed.is_some())
        .await;
    at_bob.until("the edit", |bob| bob.card(2).is_some()).await;
    log.lose_answers(false);
    at_bob.insert(3, "goes on");
    at_bob.acknowledged().await;
}

/// Reading a page occupies one of a few threads for a while.
#[tokio::test]
async fn a_user_who_reads_a_document_in_a_loop_delays_no_other_user() {
    let log = SwitchedLog::in_memory();
    let (address, _served) = serve_relay(&Relay::new(log.clone(), ByName)).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    ada.insert(1, "to be read");
    ada.acknowledged().await;
    log.hold(true);
    let mut loops = Vec::new();
    for _ in 0..12 {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.read(0).await;
        loops.push(eve);
    }
    let eves = leptos_sync_server::limits::USER_READINGS;
    let mut carol = Session::open(address, "carol", "board", &Handle::new()).await;
    let reads = carol.until("the document", |carol| carol.card(1).is_some());
    let watch = async {
        let mut most = 0;
        while log.reading() < eves + 1 {
            tokio::task::yield_now().await;
        }
        // Eve's other connections have had their chance by now.
        for _ in 0..1_000 {
            most = most.max(log.reading());
            tokio::task::yield_now().await;
        }
        assert_eq!(most, eves + 1, "Eve's readings and Carol's");
        log.hold(false);
    };
    futures::join!(reads, watch);
    for eve in &mut loops {
        assert_eq!(eve.handled().await, None);
    }
}

/// With several channels, one connection could take all places for presence.
#[tokio::test]
async fn a_connection_opens_a_document_on_one_channel_only() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        for channel in [1, 2] {
            eve.say(&open_of(channel, "board")).await;
            assert_eq!(eve.answer().await, Answer::Closed(Reason::Malformed));
        }
        // The first channel stays open, and can open the document again.
        eve.say(&open_of(0, "board")).await;
        eve.opened().await;
        eve.push(&[card(9, now_ms(), "goes on")]).await;
        assert_eq!(eve.answer().await, Answer::Ack);
        // After the client leaves the first channel, it can use another one.
        eve.say(&[7, 0]).await;
        eve.say(&open_of(3, "board")).await;
        assert_eq!(eve.handled().await, None);
    };
    honest.expect(900, "goes on");
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_crowded_document_admits_further_clients() {
    const MANY: usize = 70;
    let (_dir, address, mut honest) = relay_in_use().await;
    let mut ada = Session::open(address, "ada", "crowd", &Handle::new()).await;
    // Send the maximum of presence data. Together, the messages exceed the queue of a connection.
    let mut presence = vec![6, 0];
    varint(&mut presence, limits::PRESENCE_BYTES);
    presence.resize(presence.len() + limits::PRESENCE_BYTES, 7);
    let mut all = Vec::new();
    for number in 0..MANY {
        let mut one = Raw::open(address, &format!("person {number}"), "crowd").await;
        one.say(&presence).await;
        all.push(one);
    }
    let told = |handle: &Handle| handle.state().present.len() >= MANY;
    ada.until("everyone's presence", told).await;
    let late = async {
        let mut late = Session::open(address, "carol", "crowd", &Handle::new()).await;
        late.insert(1, "let in");
        late.acknowledged().await;
        ada.until("Carol's edit", |ada| ada.card(1).is_some()).await;
    };
    honest.beside(late).await;
}

#[tokio::test]
async fn an_open_relay_accepts_more_connections_than_one_user_may_have() {
    let relay = Relay::new(MemoryLog::new().unwrap(), AllowAnyone);
    let (address, _served) = serve_relay(&relay).await;
    let mut all = Vec::new();
    for replica in 1..=3 * leptos_sync_server::limits::USER_SOCKETS {
        let handle = Handle::new();
        let mut one = Session::open(address, "anybody", "board", &handle).await;
        one.insert(replica as u32, "here");
        one.acknowledged().await;
        all.push(one);
    }
}
