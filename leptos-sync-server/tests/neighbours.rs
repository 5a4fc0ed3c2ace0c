//! What one connection does to a document is no burden to the others who have it open: over real WebSockets.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{
    Answer, Handle, Raw, Session, card, now_ms, relay_in_use, serve_relay, transactions, varint,
};
use leptos_sync_core::{Delta, VersionVector, limits, sync::Reason};
use leptos_sync_server::{Everybody, MemoryLog, Relay};

/// A push of transactions together.
fn push_of(deltas: &[Delta]) -> Vec<u8> {
    let mut message = vec![4, 0];
    for delta in deltas {
        let delta = delta.encode();
        varint(&mut message, delta.len());
        message.extend_from_slice(&delta);
    }
    message
}

#[tokio::test]
async fn a_push_of_much_at_once_is_told_to_all_who_keep_up() {
    let (_dir, address, mut honest) = relay_in_use().await;
    // More than may wait for anybody.
    let text = "x".repeat(100 * 1024);
    let cards = [900, 901, 902, 903, 904].map(|key| (key, text.as_str()));
    let deltas = transactions(9, now_ms(), &cards);
    let much = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.say(&push_of(&deltas)).await;
        assert_eq!(eve.answer().await, Answer::Ack);
    };
    for (key, text) in cards {
        honest.expect(key, text);
    }
    honest.beside(much).await;
}

#[tokio::test]
async fn a_push_of_more_transactions_than_may_be_on_their_way_ends_its_connection() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let cards = vec![(900, "again"); limits::IN_FLIGHT + 1];
    let deltas = transactions(9, now_ms(), &cards);
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.say(&push_of(&deltas)).await;
        assert_eq!(eve.bye().await, Some(Reason::Limit));
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_transaction_that_names_many_replica_ids_binds_none_of_them() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let ms = now_ms();
    let handle = Handle::new(1_000);
    let many = {
        let doc = &mut handle.0.lock().unwrap().doc;
        for replica in 1_001..1_100 {
            doc.apply(&card(replica, ms, "of many")).unwrap();
        }
        doc.delta_since(&VersionVector::new()).unwrap()
    };
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.push(&many.encode()).await;
        assert_eq!(eve.answer().await, Answer::Closed(Reason::Limit));
    };
    honest.beside(bad).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::new(1_050)).await;
    ada.insert(1, "mine");
    ada.acknowledged().await;
    assert!(ada.handle.0.lock().unwrap().refused.is_empty());
}

/// Otherwise they could take ids from others, and use up those that a document may have.
#[tokio::test]
async fn who_may_only_read_leaves_no_trace() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let deltas = transactions(77, now_ms(), &[(900, "not allowed"), (901, "nor this")]);
    let bad = async {
        for document in ["board", "new"] {
            let mut guest = Raw::open(address, "guest", document).await;
            for delta in &deltas {
                guest.push(&delta.encode()).await;
                assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
            }
        }
    };
    honest.beside(bad).await;
    // The id is nobody's, and no document contains anything of it: its first transaction follows nothing.
    for document in ["board", "new"] {
        let mut ada = Raw::open(address, "ada", document).await;
        ada.push(&deltas[1].encode()).await;
        assert_eq!(ada.answer().await, Answer::Reject(Reason::Gap));
        ada.push(&deltas[0].encode()).await;
        assert_eq!(ada.answer().await, Answer::Ack);
    }
}

#[tokio::test]
async fn who_may_write_after_all_goes_on_after_what_was_refused() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let handle = Handle::new(7);
    let goes_on = async {
        let mut reader = Session::open(address, "guest", "board", &handle).await;
        reader.insert(900, "not allowed");
        reader.acknowledged().await;
        assert_eq!(handle.0.lock().unwrap().refused[0].0, Reason::Forbidden);
        drop(reader);
        let mut writer = Session::open(address, "carol", "board", &handle).await;
        writer.insert(901, "allowed");
        writer.acknowledged().await;
    };
    honest.expect(901, "allowed");
    honest.beside(goes_on).await;
    assert_eq!(handle.0.lock().unwrap().refused.len(), 1);
    assert_eq!(handle.card(900), None);
}

#[tokio::test]
async fn a_document_in_which_many_are_present_lets_others_in() {
    const MANY: usize = 70;
    let (_dir, address, mut honest) = relay_in_use().await;
    let mut ada = Session::open(address, "ada", "crowd", &Handle::new(1)).await;
    // As much as may be, which is together more than may wait for anybody.
    let mut presence = vec![6, 0];
    varint(&mut presence, limits::PRESENCE_BYTES);
    presence.resize(presence.len() + limits::PRESENCE_BYTES, 7);
    let mut all = Vec::new();
    for number in 0..MANY {
        let mut one = Raw::open(address, &format!("person {number}"), "crowd").await;
        one.say(&presence).await;
        all.push(one);
    }
    let told = |handle: &Handle| handle.0.lock().unwrap().present.len() >= MANY;
    ada.until("all are told", told).await;
    let late = async {
        let mut late = Session::open(address, "carol", "crowd", &Handle::new(3)).await;
        late.insert(1, "let in");
        late.acknowledged().await;
        ada.until("carol's", |ada| ada.card(1).is_some()).await;
    };
    honest.beside(late).await;
}

#[tokio::test]
async fn a_relay_that_is_open_to_everybody_is_so_to_more_than_one_user_may_be() {
    let relay = Relay::new(MemoryLog::new(), Everybody);
    let (address, _served) = serve_relay(&relay).await;
    let mut all = Vec::new();
    for replica in 1..=3 * leptos_sync_server::limits::USER_SOCKETS {
        let handle = Handle::new(replica as u64);
        let mut one = Session::open(address, "anybody", "board", &handle).await;
        one.insert(replica as u32, "here");
        one.acknowledged().await;
        all.push(one);
    }
}
