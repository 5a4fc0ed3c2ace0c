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
    Answer, HELLO, Handle, Honest, Raw, Session, card, now_ms, open_of, relay_in_use, transactions,
};
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path},
    history::{Entry, EntryHash, Patch},
    limits,
    sync::Reason,
};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, sleep},
};
use tokio_tungstenite::MaybeTlsStream;

/// Eve's replica id, unless she uses that of another user.
const EVE: u64 = 9;

#[tokio::test]
async fn writing_under_another_users_replica_id_is_rejected() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let (ada, last) = honest.last_entry();
    // The forged edit follows the owner's edits, but within the permitted drift.
    let forged = |number: u64, previous| Entry {
        previous,
        ..common::entry(
            ada,
            number,
            Time::from_ms(now_ms() + 60_000),
            card(ada, now_ms() + 60_000, "forged").cells,
        )
    };
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        for _ in 0..3 {
            eve.push(&[forged(last.number + 1, last.hash)]).await;
            assert!(matches!(
                eve.answer().await,
                // Ada has written meanwhile.
                Answer::Reject(Reason::Forged) | Answer::Gap
            ));
        }
    };
    honest.beside(bad).await;
    let (_, last) = honest.last_entry();
    let mut eve = Raw::open(address, "eve", "board").await;
    eve.push(&[forged(last.number + 1, last.hash)]).await;
    assert_eq!(eve.answer().await, Answer::Reject(Reason::Forged));
    // The rejected edit does not shadow later edits of the owner.
    honest.check().await;
    let mut late = Session::open(address, "carol", "board", &Handle::new()).await;
    late.until("the document", |late| late.card(Honest::KEYS).is_some())
        .await;
    assert_eq!(late.handle.card(900), None);
}

/// Returns an entry that has one cell more than the relay accepts.
fn too_many_cells(replica: u64, number: u64, previous: EntryHash, ms: u64) -> Entry {
    let stamp = Stamp::new(Time::from_ms(ms), ReplicaId::new(replica));
    let cells = Patch::collect(stamp.time, |out| {
        out.group(Path::ROOT);
        for key in 0..=limits::TRANSACTION_CELLS as u32 {
            let (key, value) = (&key.to_be_bytes(), None);
            out.copy(CellRef { key, stamp, value });
        }
    });
    Entry {
        previous,
        ..common::entry(replica, number, stamp.time, cells.unwrap())
    }
}

#[tokio::test]
async fn a_transaction_that_is_never_accepted_hides_no_edits_of_the_user_whose_id_it_names() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let (ada, last) = honest.last_entry();
    let forged = too_many_cells(ada, last.number + 1, last.hash, now_ms() + 60_000);
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.push(&[forged]).await;
        assert!(matches!(eve.answer().await, Answer::Reject(_)));
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_stamp_from_the_future_is_rejected_before_peers_see_it() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        let tomorrow = now_ms() + 24 * 60 * 60 * 1_000;
        eve.push(&[card(EVE, tomorrow, "from tomorrow")]).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Drift));
        let just = now_ms() + limits::DRIFT_MS + 10_000;
        eve.push(&[card(EVE, just, "from just too late")]).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Drift));
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_missing_entry_is_a_gap_and_a_repeated_one_changes_nothing() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let ms = now_ms();
    let bad = async {
        let mut eve = Raw::open(address, "eve", "board").await;
        let cards = [(900, "first"), (901, "second"), (902, "third")];
        let all = transactions(EVE, ms, &cards);
        let answers = [
            (&all[1..2], Answer::Gap),
            (&all[..1], Answer::Ack),
            (&all[..1], Answer::Gap),
            (&all[1..2], Answer::Ack),
            (&all[..1], Answer::Gap),
        ];
        for (entries, answer) in answers {
            eve.push(entries).await;
            assert_eq!(eve.answer().await, answer);
        }
        // Send other content with the same numbers.
        let other = transactions(EVE, ms, &[(900, "something else"), (903, "more")]);
        for entry in &other {
            eve.push(slice::from_ref(entry)).await;
            assert_eq!(eve.answer().await, Answer::Gap);
        }
    };
    honest.expect(900, "first");
    honest.expect(901, "second");
    honest.beside(bad).await;
    // A client that connects later does not see the repeated content either.
    let mut late = Session::open(address, "carol", "board", &Handle::new()).await;
    late.until("all edits", |late| late.card(901).is_some())
        .await;
    assert_eq!(late.handle.card(900).as_deref(), Some("first"));
    assert_eq!(late.handle.card(903), None);
}

#[tokio::test]
async fn edits_without_permission_are_rejected_and_never_seen() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut guest = Raw::open(address, "guest", "board").await;
        guest.push(&[card(EVE, now_ms(), "not allowed")]).await;
        assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
        let mut eve = Raw::open(address, "eve", "private").await;
        assert_eq!(eve.answer().await, Answer::Closed(Reason::Forbidden));
        // Messages about a closed document are ignored; messages about one that was never opened
        // end the connection.
        eve.push(&[card(EVE, now_ms(), "not seen")]).await;
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
    let open = [&[2], &open_of(0, "x")[..]].concat();
    let large = |length: usize, first: u8| {
        let mut frame = vec![7; length];
        frame[0] = first;
        frame
    };
    let name = [&[2], &open_of(0, &"x".repeat(300))[..]].concat();
    let (again, garbage) = ([&[2], &hello[1..]].concat(), vec![4, 4, 0, 3, 1, 2, 3]);
    // No witness, no cells.
    let offer = [&[4, 12, 0][..], &[0; 9 + 1 + 8 + 1]].concat();
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
            vec![vec![1, 1, 2], vec![2, 2, 0, 0]],
            Reason::Limit,
        ),
        (
            "no credentials",
            vec![vec![0, 1, 2, 2, 0, 0]],
            Reason::Unauthorized,
        ),
        (
            "a newer protocol version",
            vec![vec![0, 1, 9, 9, 0, 0]],
            Reason::Unsupported,
        ),
        (
            "an older protocol version",
            vec![vec![0, 1, 1, 1, 0, 0]],
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
            before(&[vec![2, 99, 0]]),
            Reason::Unsupported,
        ),
        (
            "a push of garbage",
            before(&[open.clone(), garbage]),
            Reason::Malformed,
        ),
        (
            "an offer of a client that has not diverged",
            before(&[open.clone(), offer]),
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
