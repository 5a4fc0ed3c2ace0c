//! Clients that do not behave, over real WebSockets: each is told why, and two people who edit the same document go on
//! meanwhile and notice nothing.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{slice, time::Duration};

use common::{
    Answer, HELLO, Handle, Honest, Raw, Session, card, now_ms, relay_in_use, transactions,
};
use leptos_sync_core::{limits, sync::Reason};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, sleep},
};
use tokio_tungstenite::MaybeTlsStream;

/// Eve's replica id, unless she takes another's.
const EVE: u64 = 9;

#[tokio::test]
async fn who_writes_under_anothers_replica_id_is_refused() {
    let (_dir, address, mut honest) = relay_in_use().await;
    // Ahead of what the ids' holder writes, and not by more than is allowed.
    let forged = card(Honest::ADA, now_ms() + 60_000, "forged").encode();
    let bad = async {
        // Nor in a document that its holder has never opened.
        for document in ["board", "other"] {
            let mut eve = Raw::open(address, "eve", document).await;
            for _ in 0..3 {
                eve.push(&forged).await;
                assert_eq!(eve.answer().await, Answer::Reject(Reason::Forged));
            }
        }
    };
    honest.beside(bad).await;
    // What was refused stands for nothing that its holder writes.
    let mut ada = Session::open(address, "ada", "other", &Handle::new(Honest::ADA)).await;
    ada.insert(1, "mine");
    ada.acknowledged().await;
    assert!(ada.handle.0.lock().unwrap().refused.is_empty());
    for (document, key) in [("other", 1), ("board", Honest::KEYS)] {
        let mut late = Session::open(address, "carol", document, &Handle::new(3)).await;
        late.until("there", |late| late.card(key).is_some()).await;
        assert_eq!(late.handle.card(900), None);
    }
}

#[tokio::test]
async fn a_stamp_of_tomorrow_is_refused_before_anybody_sees_it() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        let tomorrow = now_ms() + 24 * 60 * 60 * 1_000;
        eve.push(&card(EVE, tomorrow, "from tomorrow").encode())
            .await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Drift));
        let just = now_ms() + limits::DRIFT_MS + 10_000;
        eve.push(&card(EVE, just, "from just too late").encode())
            .await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Drift));
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn an_interval_that_is_missing_is_a_gap_and_one_that_comes_again_changes_nothing() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let ms = now_ms();
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        let cards = [(900, "first"), (901, "second"), (902, "third")];
        let all = transactions(EVE, ms, &cards);
        eve.push(&all[1].encode()).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Gap));
        for delta in [&all[0], &all[0], &all[1], &all[0]] {
            eve.push(&delta.encode()).await;
            assert_eq!(eve.answer().await, Answer::Ack);
        }
        // The same interval, with something else in it.
        let other = transactions(EVE, ms, &[(900, "something else"), (903, "more")]);
        assert_eq!(other[0].upto(), all[0].upto());
        for delta in &other {
            eve.push(&delta.encode()).await;
            assert_eq!(eve.answer().await, Answer::Ack);
        }
    };
    honest.expect(900, "first");
    honest.expect(901, "second");
    honest.beside(bad).await;
    // Nor is it there for somebody who comes later.
    let mut late = Session::open(address, "carol", "board", &Handle::new(3)).await;
    late.until("all of it", |late| late.card(901).is_some())
        .await;
    assert_eq!(late.handle.card(900).as_deref(), Some("first"));
    assert_eq!(late.handle.card(903), None);
}

#[tokio::test]
async fn who_may_not_write_or_see_a_document_is_told_so_and_nobody_sees_what_they_wrote() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut guest = Raw::open(address, "guest", "board").await;
        guest
            .push(&card(EVE, now_ms(), "not allowed").encode())
            .await;
        assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
        let mut eve = Raw::open(address, "eve", "private").await;
        assert_eq!(eve.answer().await, Answer::Closed(Reason::Forbidden));
        // What is said of a document that was closed is passed over, and of one that was never opened ends it.
        eve.push(&card(EVE, now_ms(), "not seen").encode()).await;
        eve.say(&[6, 5, 0]).await;
        assert_eq!(eve.bye().await, Some(Reason::Malformed));
    };
    honest.beside(bad).await;
}

/// What a bad client says, and what it is told.
#[tokio::test]
async fn frames_that_are_not_as_the_protocol_says_end_their_connection() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let hello = [&[0][..], &HELLO].concat();
    let open = vec![2, 3, 0, 1, b'x', 0, 0];
    let large = |length: usize, first: u8| {
        let mut frame = vec![7; length];
        frame[0] = first;
        frame
    };
    let name = [&[2, 3, 0, 0xac, 2][..], &[b'x'; 300], &[0, 0]].concat();
    let (again, garbage) = ([&[2], &hello[1..]].concat(), vec![4, 4, 0, 3, 1, 2, 3]);
    let before = |more: &[Vec<u8>]| [slice::from_ref(&hello), more].concat();
    let clients: Vec<(&str, Vec<Vec<u8>>, Reason)> = vec![
        ("nothing", vec![vec![]], Reason::Malformed),
        ("no hello first", vec![vec![0, 8]], Reason::Malformed),
        ("garbage", vec![large(100, 0)], Reason::Malformed),
        ("a long first frame", vec![large(5_000, 0)], Reason::Limit),
        (
            "a hello in two frames",
            vec![vec![1, 1, 1], vec![2, 1, 0, 0]],
            Reason::Limit,
        ),
        (
            "no credentials",
            vec![vec![0, 1, 1, 1, 0, 0]],
            Reason::Unauthorized,
        ),
        (
            "a protocol of the future",
            vec![vec![0, 1, 9, 9, 0, 0]],
            Reason::Unsupported,
        ),
        ("a second hello", before(&[again]), Reason::Malformed),
        (
            "a frame that came twice",
            before(&[open.clone(), open.clone()]),
            Reason::Malformed,
        ),
        (
            "a document that is not open",
            before(&[vec![2, 6, 5, 0]]),
            Reason::Malformed,
        ),
        (
            "a kind that does not exist",
            before(&[vec![2, 99]]),
            Reason::Unsupported,
        ),
        (
            "a push of garbage",
            before(&[open, garbage]),
            Reason::Malformed,
        ),
        ("a name that is too long", before(&[name]), Reason::Limit),
    ];
    let bad = async {
        for (what, frames, reason) in clients {
            let mut eve = Raw::connect(address).await;
            for frame in frames {
                eve.send(frame).await;
            }
            assert_eq!(eve.bye().await, Some(reason), "{what}");
        }
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn who_takes_too_long_to_say_hello_is_shown_out() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let start = Instant::now();
        let (mut silent, mut slow) = (Raw::connect(address).await, Raw::connect(address).await);
        // The head of a WebSocket's frame, and some of it, one byte after the other.
        let bytes = [0x82, 0x80 + 100, 0, 0, 0, 0, 0, 1, 1, 1];
        for byte in bytes {
            let MaybeTlsStream::Plain(stream) = slow.socket.get_mut() else {
                panic!("it is not encrypted");
            };
            stream.write_all(&[byte]).await.unwrap();
            sleep(Duration::from_millis(limits::HANDSHAKE_MS / 12)).await;
        }
        assert_eq!(slow.bye().await, Some(Reason::Timeout));
        assert!(start.elapsed() >= Duration::from_millis(limits::HANDSHAKE_MS - 500));
        assert_eq!(silent.bye().await, Some(Reason::Timeout));
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_hello_with_any_byte_changed_or_cut_anywhere_is_answered_or_ended() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let hello = [&[0][..], &HELLO].concat();
    let cut = (0..hello.len()).map(|at| hello[..at].to_vec());
    let changed = (0..hello.len()).flat_map(|at| {
        let hello = &hello;
        (1..=255).map(move |bits| {
            let mut changed = hello.clone();
            changed[at] ^= bits;
            changed
        })
    });
    let bad = async {
        for frame in cut.chain(changed) {
            let mut eve = Raw::connect(address).await;
            eve.send(frame.clone()).await;
            // No frame: who was let in is ended by it.
            eve.send(Vec::new()).await;
            let reason = eve.bye().await;
            let expected = [
                Reason::Malformed,
                Reason::Limit,
                Reason::Unsupported,
                Reason::Unauthorized,
            ];
            let is_expected = reason.is_some_and(|reason| expected.contains(&reason));
            assert!(is_expected, "{frame:?}: {reason:?}");
        }
    };
    honest.beside(bad).await;
}
