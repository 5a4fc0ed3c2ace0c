//! Misbehaving clients over real WebSockets. The relay reports a reason to each, and two users who
//! edit the same document are not affected.
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
use futures::{SinkExt as _, StreamExt as _};
use leptos_sync_core::{
    Delta, ReplicaId, Stamp, Time, VersionVector,
    cells::{CellRef, PathBuf},
    limits,
    sync::Reason,
};
use leptos_sync_server::limits as relay_limits;
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, sleep},
};
use tokio_tungstenite::{
    MaybeTlsStream,
    tungstenite::{Message, protocol::frame::coding::CloseCode},
};

/// Eve's replica id, unless she uses that of another user.
const EVE: u64 = 9;

#[tokio::test]
async fn writing_under_another_users_replica_id_is_rejected() {
    let (_dir, address, mut honest) = relay_in_use().await;
    // The forged edit is later than the owner's edits, but within the permitted drift.
    let forged = card(Honest::ADA, now_ms() + 60_000, "forged").encode();
    let bad = async {
        // The rule also holds in a document that the owner never opened.
        for document in ["board", "other"] {
            let mut eve = Raw::open(address, "eve", document).await;
            for _ in 0..3 {
                eve.push(&forged).await;
                assert_eq!(eve.answer().await, Answer::Reject(Reason::Forged));
            }
        }
    };
    honest.beside(bad).await;
    // The rejected edit does not shadow later edits of the owner.
    let mut ada = Session::open(address, "ada", "other", &Handle::new(Honest::ADA)).await;
    ada.insert(1, "mine");
    ada.acknowledged().await;
    assert!(ada.handle.0.lock().unwrap().refused.is_empty());
    for (document, key) in [("other", 1), ("board", Honest::KEYS)] {
        let mut late = Session::open(address, "carol", document, &Handle::new(3)).await;
        late.until("the document", |late| late.card(key).is_some())
            .await;
        assert_eq!(late.handle.card(900), None);
    }
}

/// Returns a transaction that has one cell more than the relay accepts.
fn too_many_cells(replica: u64, ms: u64) -> Delta {
    let stamp = Stamp::new(Time::from_ms(ms), ReplicaId::new(replica));
    let upto = VersionVector::of(stamp.replica, stamp.time);
    let delta = Delta::collect(VersionVector::new(), upto, |out| {
        out.group(PathBuf::new().as_path());
        for key in 0..=limits::TRANSACTION_CELLS as u32 {
            let (key, value) = (&key.to_be_bytes(), None);
            out.copy(CellRef { key, stamp, value });
        }
    });
    delta.unwrap()
}

#[tokio::test]
async fn a_transaction_that_is_never_accepted_hides_no_edits_of_the_user_whose_id_it_names() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let forged = too_many_cells(Honest::ADA, now_ms() + 60_000).encode();
    let bad = async {
        let mut eve = Raw::open(address, "eve", "other").await;
        eve.push(&forged).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Forged));
    };
    honest.beside(bad).await;
    let mut ada = Session::open(address, "ada", "other", &Handle::new(Honest::ADA)).await;
    ada.insert(1, "mine");
    ada.acknowledged().await;
    let mut late = Session::open(address, "carol", "other", &Handle::new(3)).await;
    late.until("her card", |late| late.card(1).is_some()).await;
}

#[tokio::test]
async fn a_stamp_from_the_future_is_rejected_before_peers_see_it() {
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
async fn a_missing_interval_is_a_gap_and_a_repeated_one_changes_nothing() {
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
        // Send other content with the same versions.
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
    // A client that connects later does not see the repeated content either.
    let mut late = Session::open(address, "carol", "board", &Handle::new(3)).await;
    late.until("all edits of the interval", |late| late.card(901).is_some())
        .await;
    assert_eq!(late.handle.card(900).as_deref(), Some("first"));
    assert_eq!(late.handle.card(903), None);
}

#[tokio::test]
async fn edits_without_permission_are_rejected_and_never_seen() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut guest = Raw::open(address, "guest", "board").await;
        guest
            .push(&card(EVE, now_ms(), "not allowed").encode())
            .await;
        assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
        let mut eve = Raw::open(address, "eve", "private").await;
        assert_eq!(eve.answer().await, Answer::Closed(Reason::Forbidden));
        // Messages about a closed document are ignored; messages about one that was never opened
        // end the connection.
        eve.push(&card(EVE, now_ms(), "not seen").encode()).await;
        eve.say(&[6, 5, 0]).await;
        assert_eq!(eve.bye().await, Some(Reason::Malformed));
    };
    honest.beside(bad).await;
}

/// Sends malformed input of each kind and checks the reason that the relay reports.
#[tokio::test]
async fn frames_that_violate_the_protocol_end_the_connection() {
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
        ("an empty frame", vec![vec![]], Reason::Malformed),
        (
            "a first message that is no hello",
            vec![vec![0, 8]],
            Reason::Malformed,
        ),
        ("garbage", vec![large(100, 0)], Reason::Malformed),
        (
            "an oversized first frame",
            vec![large(5_000, 0)],
            Reason::Limit,
        ),
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
            "an unsupported protocol version",
            vec![vec![0, 1, 9, 9, 0, 0]],
            Reason::Unsupported,
        ),
        ("a second hello", before(&[again]), Reason::Malformed),
        (
            "a repeated frame",
            before(&[open.clone(), open.clone()]),
            Reason::Malformed,
        ),
        (
            "an unopened document",
            before(&[vec![2, 6, 5, 0]]),
            Reason::Malformed,
        ),
        (
            "an unknown message kind",
            before(&[vec![2, 99]]),
            Reason::Unsupported,
        ),
        (
            "a push of garbage",
            before(&[open, garbage]),
            Reason::Malformed,
        ),
        ("an oversized document name", before(&[name]), Reason::Limit),
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
async fn a_client_that_is_slow_to_say_hello_is_disconnected() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let start = Instant::now();
        let (mut silent, mut slow) = (Raw::connect(address).await, Raw::connect(address).await);
        // Send the header of a WebSocket frame and a part of its payload, one byte at a time.
        let bytes = [0x82, 0x80 + 100, 0, 0, 0, 0, 0, 1, 1, 1];
        for byte in bytes {
            let MaybeTlsStream::Plain(stream) = slow.socket.get_mut() else {
                panic!("the connection is plain TCP");
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
async fn a_corrupt_or_truncated_hello_never_hangs_the_connection() {
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
            // An empty frame ends the connection of an admitted client.
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

#[tokio::test]
async fn pings_and_pongs_without_end_end_the_connection_with_a_reason() {
    let (_dir, address, mut honest) = relay_in_use().await;
    for control in [Message::Ping("x".into()), Message::Pong("x".into())] {
        let bad = async {
            let mut eve = Raw::open(address, "eve", "board").await;
            // As many as a client may need are answered.
            for _ in 0..relay_limits::CONTROL_FRAMES_BURST / 2 {
                eve.socket.send(control.clone()).await.unwrap();
            }
            eve.handled().await;
            let flood = async {
                for _ in 0..10 * relay_limits::CONTROL_FRAMES_BURST {
                    if eve.socket.send(control.clone()).await.is_err() {
                        break;
                    }
                }
            };
            flood.await;
            let close = loop {
                if let Message::Close(close) = eve.socket.next().await.unwrap().unwrap() {
                    break close.unwrap();
                }
            };
            assert_eq!(close.code, CloseCode::Policy);
            assert!(close.reason.contains("pings or pongs"), "{close}");
        };
        honest.beside(bad).await;
    }
}
