//! Clients that send too much, over real WebSockets. The relay reports the limit to each, and two
//! users who edit the same document are not affected.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::ops::Range;

use common::{Answer, HELLO, Raw, card, entry, now_ms, open_of, push_of, relay_in_use, varint};
use flate2::{Compress, Compression, FlushCompress};
use futures::StreamExt as _;
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path},
    history::{Entry, Patch},
    limits,
    sync::Reason,
};
use tokio_tungstenite::tungstenite::Message;
use xxhash_rust::xxh64::xxh64;

/// Eve's replica id.
const EVE: u64 = 9;

/// The size of a value in a decompression bomb.
const VALUE_BYTES: usize = 128 * 1024;

#[tokio::test]
async fn oversized_input_is_rejected_before_and_after_the_hello() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        for length in [limits::HELLO_BYTES + 1, limits::FRAME_BYTES + 1] {
            let mut eve = Raw::connect(address).await;
            eve.send(vec![0; length]).await;
            assert_eq!(
                eve.bye().await,
                Some(Reason::Limit),
                "a first frame of {length} bytes"
            );
        }
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.say_part(&vec![4; limits::FRAME_BYTES], false).await;
        assert_eq!(eve.bye().await, Some(Reason::Limit), "a frame");
        let mut eve = Raw::open(address, "eve", "board").await;
        for _ in 0..=limits::MESSAGE_BYTES / (limits::FRAME_BYTES - 1) {
            eve.say_part(&vec![4; limits::FRAME_BYTES - 1], true).await;
        }
        assert_eq!(eve.bye().await, Some(Reason::Limit), "a message");
        // A frame far beyond the limit is not read to its end.
        let mut eve = Raw::open(address, "eve", "board").await;
        eve.send(vec![0; 16 * limits::FRAME_BYTES]).await;
        assert_eq!(eve.bye().await, None, "the connection closes");
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_decompression_bomb_is_rejected_whatever_size_it_declares() {
    let (_dir, address, mut honest) = relay_in_use().await;
    // An otherwise valid patch of 64 MiB.
    let zeros = body(&patch(512, &[]));
    let bomb = deflated(&zeros);
    // An envelope within the permitted ratio, but beyond the permitted inflated size.
    let noise: Vec<u8> = (0..VALUE_BYTES / 80)
        .flat_map(|at| xxh64(&at.to_le_bytes(), 0).to_le_bytes())
        .collect();
    let mixed = body(&patch(limits::INFLATED_BYTES / VALUE_BYTES + 1, &noise));
    let squeezed = deflated(&mixed);
    assert!(squeezed.len() * limits::INFLATE_RATIO > mixed.len());
    assert!(squeezed.len() < limits::MESSAGE_BYTES);
    let bombs = [
        envelope(zeros.len(), &bomb),
        envelope(limits::INFLATED_BYTES, &bomb),
        envelope(bomb.len() * limits::INFLATE_RATIO, &bomb),
        envelope(1, &bomb),
        envelope(usize::MAX, &bomb),
        envelope(mixed.len(), &squeezed),
    ];
    let bad = async {
        for bomb in &bombs {
            // The limit also applies to clients that do not support compression themselves.
            for deflate in [0, 1] {
                let mut eve = Raw::connect(address).await;
                eve.say(&[1, 2, 2, deflate, 3, b'e', b'v', b'e']).await;
                eve.say(&open_of(0, "board")).await;
                eve.say(&push_of_cells(bomb)).await;
                assert_eq!(eve.bye().await, Some(Reason::Malformed));
            }
        }
    };
    honest.beside(bad).await;
    // A compressed envelope within the limits is accepted.
    let mut eve = Raw::open(address, "eve", "board").await;
    let text: String = (0..500).map(|at| format!("line {at}\n")).collect();
    let card = card(EVE, now_ms(), &text);
    assert!(card.cells.encode().len() < card.cells.encode_uncompressed().len());
    eve.push(&[card]).await;
    assert_eq!(eve.answer().await, Answer::Ack);
    honest.expect(900, &text);
    honest.check().await;
}

/// Returns a patch of Eve's cells. Each value begins with `noise`, followed by zeros.
fn patch(cells: usize, noise: &[u8]) -> Patch {
    let stamp = Stamp::new(Time::from_ms(now_ms()), ReplicaId::new(EVE));
    let mut value = noise.to_vec();
    value.resize(VALUE_BYTES, 0);
    let patch = Patch::collect(stamp.time, |out| {
        out.group(Path::from_bytes(b"\x05cards").unwrap());
        for at in 0..cells as u16 {
            out.copy(CellRef {
                key: &at.to_be_bytes(),
                stamp,
                value: Some(&value),
            });
        }
    });
    patch.unwrap()
}

/// Returns the body of a patch's envelope: everything after magic, version, kind, flags, length and
/// checksum.
fn body(patch: &Patch) -> Vec<u8> {
    let envelope = patch.encode_uncompressed();
    let length = envelope[7..].iter().position(|byte| *byte < 128).unwrap() + 1;
    envelope[7 + length + 4..].to_vec()
}

/// Compresses with raw deflate.
fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() / 2 + 1_024);
    let mut stream = Compress::new(Compression::best(), false);
    let finish = FlushCompress::Finish;
    stream.compress_vec(bytes, &mut out, finish).unwrap();
    out
}

/// Returns a patch's envelope with a correct checksum that declares this inflated size.
fn envelope(inflated: usize, body: &[u8]) -> Vec<u8> {
    let mut out = b"LSYN\x02\x07\x01".to_vec();
    varint(&mut out, inflated);
    varint(&mut out, body.len());
    let checksum = xxh64(body, xxh64(&out, 0)) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// Encodes a push of one entry of Eve with these cells.
fn push_of_cells(cells: &[u8]) -> Vec<u8> {
    let mut message = push_of(&[entry(EVE, 1, Time::ZERO, Patch::default())]);
    // Instead of no cells.
    message.pop();
    varint(&mut message, cells.len());
    message.extend_from_slice(cells);
    message
}

/// Returns an entry of Eve that removes the cards of these keys.
fn cards(number: u64, ms: u64, keys: Range<u32>) -> Entry {
    let stamp = Stamp::new(Time::from_ms(ms), ReplicaId::new(EVE));
    let cells = Patch::collect(stamp.time, |out| {
        out.group(Path::from_bytes(b"\x05cards").unwrap());
        for key in keys {
            let (key, value) = (&key.to_be_bytes(), None);
            out.copy(CellRef { key, stamp, value });
        }
    });
    entry(EVE, number, stamp.time, cells.unwrap())
}

/// Storing it would keep the edits of others waiting.
#[tokio::test]
async fn a_transaction_of_too_many_cells_is_rejected_and_the_next_one_is_stored() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let ms = now_ms();
    let most = limits::TRANSACTION_CELLS as u32;
    let bad = async {
        let mut eve = Raw::open(address, "eve", "hers").await;
        eve.push(&[cards(1, ms, 0..most + 1)]).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Limit));
        // A client rolls the edit back, and sends its number without cells.
        let rolled_back = entry(EVE, 1, Time::ZERO, Patch::default());
        eve.push(&[rolled_back, cards(2, ms + 1, 0..10)]).await;
        assert_eq!(eve.answer().await, Answer::Ack);
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn a_push_of_more_cells_than_a_commit_has_is_stored_in_steps() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let (ms, half) = (now_ms(), limits::TRANSACTION_CELLS as u32 / 2 + 1);
    let much = async {
        let mut eve = Raw::open(address, "eve", "hers").await;
        let entries = [cards(1, ms, 0..half), cards(2, ms + 1, half..2 * half)];
        eve.push(&entries).await;
        for _ in &entries {
            assert_eq!(eve.answer().await, Answer::Ack);
        }
    };
    honest.beside(much).await;
}

/// A rejection for its size must not make the transaction's time the latest one.
#[tokio::test]
async fn a_transaction_that_is_too_large_does_not_move_the_documents_time_into_the_future() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let most = limits::TRANSACTION_CELLS as u32;
    let bad = async {
        let ahead = now_ms() + 10 * limits::DRIFT_MS;
        let mut eve = Raw::open(address, "eve", "hers").await;
        eve.push(&[cards(1, ahead, 0..most + 1)]).await;
        assert!(matches!(eve.answer().await, Answer::Reject(_)));
        eve.push(&[cards(1, ahead, 0..1)]).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Drift));
    };
    honest.beside(bad).await;
}

/// Opens a document on each of the first `count` channels.
async fn open_many(eve: &mut Raw, count: usize, document: impl Fn(usize) -> String) {
    for channel in 0..count {
        eve.say(&open_of(channel, &document(channel))).await;
    }
}

#[tokio::test]
async fn documents_beyond_the_limit_of_a_connection_are_closed_and_the_others_stay() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut eve = Raw::connect(address).await;
        eve.say(&HELLO).await;
        let most = leptos_sync_server::limits::DOCUMENTS;
        open_many(&mut eve, most + 44, |at| format!("hers {at}")).await;
        eve.say(&[8]).await;
        let mut closed = 0;
        // The pong is the last answer.
        while let Some(Ok(Message::Binary(frame))) = eve.socket.next().await
            && frame[1] != 11
        {
            // In these messages, the channel takes two bytes.
            closed += usize::from(frame[1] == 9 && frame[4] == 15);
        }
        assert_eq!(closed, 44);
        eve.push(&[card(EVE, now_ms(), "goes on")]).await;
        assert_eq!(eve.answer().await, Answer::Ack);
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn closed_documents_that_a_client_never_leaves_are_limited() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut eve = Raw::connect(address).await;
        eve.say(&HELLO).await;
        open_many(&mut eve, limits::CHANNELS + 1, |_| "private".to_owned()).await;
        assert_eq!(eve.bye().await, Some(Reason::Limit));
    };
    honest.beside(bad).await;
}

#[tokio::test]
async fn connections_per_user_are_limited() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let bad = async {
        let mut sessions = Vec::new();
        for _ in 0..16 {
            let mut eve = Raw::open(address, "eve", "private").await;
            assert_eq!(eve.answer().await, Answer::Closed(Reason::Forbidden));
            sessions.push(eve);
        }
        let mut one_more = Raw::connect(address).await;
        one_more.say(&HELLO).await;
        assert_eq!(one_more.bye().await, Some(Reason::Limit));
    };
    honest.beside(bad).await;
}
