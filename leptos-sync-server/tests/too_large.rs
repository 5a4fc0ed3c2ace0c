//! Clients that send too much, over real WebSockets. The relay reports the limit to each, and two
//! users who edit the same document are not affected.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{Answer, ByName, HELLO, Raw, card, now_ms, relay_in_use, serve_relay, varint};
use flate2::{Compress, Compression, FlushCompress};
use futures::StreamExt as _;
use leptos_sync_core::{
    Delta, ReplicaId, Stamp, Time, VersionVector,
    cells::{CellRef, Path},
    limits,
    sync::Reason,
};
use leptos_sync_server::{Relay, RelayOptions};
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
    // An otherwise valid delta of 64 MiB.
    let zeros = body(&delta(512, &[]));
    let bomb = deflated(&zeros);
    // An envelope within the permitted ratio, but beyond the permitted inflated size.
    let noise: Vec<u8> = (0..VALUE_BYTES / 80)
        .flat_map(|at| xxh64(&at.to_le_bytes(), 0).to_le_bytes())
        .collect();
    let mixed = body(&delta(limits::INFLATED_BYTES / VALUE_BYTES + 1, &noise));
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
                eve.say(&[1, 1, 1, deflate, 3, b'e', b'v', b'e']).await;
                eve.say(&[3, 0, 5, b'b', b'o', b'a', b'r', b'd', 0, 0])
                    .await;
                eve.push(bomb).await;
                assert_eq!(eve.bye().await, Some(Reason::Malformed));
            }
        }
        // Send the same bytes as a part of a larger delta.
        let mut eve = Raw::open(address, "eve", "board").await;
        let mut part = vec![5, 0];
        varint(&mut part, bombs[0].len());
        eve.say(&[part, bombs[0].clone()].concat()).await;
        assert_eq!(eve.bye().await, Some(Reason::Malformed));
    };
    honest.beside(bad).await;
    // A compressed envelope within the limits is accepted.
    let mut eve = Raw::open(address, "eve", "board").await;
    let text: String = (0..500).map(|at| format!("line {at}\n")).collect();
    let delta = card(EVE, now_ms(), &text);
    assert!(delta.encode().len() < delta.encode_uncompressed().len());
    eve.push(&delta.encode()).await;
    assert_eq!(eve.answer().await, Answer::Ack);
    honest.expect(900, &text);
    honest.check().await;
}

/// Returns a delta of Eve's cells. Each value begins with `noise`, followed by zeros.
fn delta(cells: usize, noise: &[u8]) -> Delta {
    let stamp = Stamp::new(Time::from_ms(now_ms()), ReplicaId::new(EVE));
    let mut value = noise.to_vec();
    value.resize(VALUE_BYTES, 0);
    let upto = VersionVector::of(stamp.replica, stamp.time);
    let delta = Delta::collect(VersionVector::new(), upto, |out| {
        out.group(Path::from_bytes(b"\x05cards").unwrap());
        for at in 0..cells as u16 {
            out.copy(CellRef {
                key: &at.to_be_bytes(),
                stamp,
                value: Some(&value),
            });
        }
    });
    delta.unwrap()
}

/// Returns the body of a delta's envelope: everything after magic, version, kind, flags, length and
/// checksum.
fn body(delta: &Delta) -> Vec<u8> {
    let envelope = delta.encode_uncompressed();
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

/// Returns a delta's envelope with a correct checksum that declares this inflated size.
fn envelope(inflated: usize, body: &[u8]) -> Vec<u8> {
    let mut out = b"LSYN\x02\x01\x01".to_vec();
    varint(&mut out, inflated);
    varint(&mut out, body.len());
    let checksum = xxh64(body, xxh64(&out, 0)) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// Four megabytes of a delta in parts, in a tenth of the bytes.
fn part() -> Vec<u8> {
    let noise: Vec<u8> = (0..VALUE_BYTES / 80)
        .flat_map(|at| xxh64(&at.to_le_bytes(), 0).to_le_bytes())
        .collect();
    let delta = delta(limits::INFLATED_BYTES / VALUE_BYTES - 1, &noise).encode();
    assert!(delta.len() < limits::INFLATED_BYTES / 8);
    let mut part = vec![5, 0];
    varint(&mut part, delta.len());
    [part, delta].concat()
}

#[tokio::test]
async fn parts_from_a_reader_are_not_kept_and_their_delta_is_rejected() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let part = part();
    let bad = async {
        let mut guest = Raw::open(address, "guest", "board").await;
        for _ in 0..=limits::PARTS_BYTES / limits::INFLATED_BYTES {
            guest.say(&part).await;
        }
        let last = card(EVE, now_ms(), "the last part");
        guest.push(&last.encode()).await;
        assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
    };
    honest.beside(bad).await;
    // The id is not bound, and nothing is claimed.
    let mut eve = Raw::open(address, "eve", "board").await;
    eve.push(&card(EVE, now_ms(), "hers").encode()).await;
    assert_eq!(eve.answer().await, Answer::Ack);
}

#[tokio::test]
async fn parts_in_memory_are_limited_per_user() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let part = part();
    let half = limits::PARTS_BYTES / limits::INFLATED_BYTES / 2 + 2;
    let bad = async {
        let mut first = Raw::open(address, "eve", "board").await;
        let mut second = Raw::open(address, "eve", "other").await;
        for eve in [&mut first, &mut second] {
            for _ in 0..half {
                eve.say(&part).await;
            }
        }
        assert_eq!(first.handled().await, None);
        assert_eq!(second.handled().await, Some(Reason::Unavailable));
        // Another user is not affected, and when the first connection ends, there is room again.
        let mut carol = Raw::open(address, "carol", "board").await;
        carol.say(&part).await;
        assert_eq!(carol.handled().await, None);
        first.socket.close(None).await.unwrap();
        while first.socket.next().await.is_some() {}
        let mut third = Raw::open(address, "eve", "board").await;
        for _ in 0..half {
            third.say(&part).await;
        }
        assert_eq!(third.handled().await, None);
    };
    honest.beside(bad).await;
}

/// Returns a delta of Eve that writes the cards of these keys.
fn cards(upto_ms: u64, keys: std::ops::Range<u32>) -> Delta {
    let stamp = Stamp::new(Time::from_ms(upto_ms), ReplicaId::new(EVE));
    let upto = VersionVector::of(stamp.replica, stamp.time);
    let delta = Delta::collect(VersionVector::new(), upto, |out| {
        out.group(Path::from_bytes(b"\x05cards").unwrap());
        for key in keys {
            let (key, value) = (&key.to_be_bytes(), None);
            out.copy(CellRef { key, stamp, value });
        }
    });
    delta.unwrap()
}

/// Storing it would keep the edits of others waiting.
#[tokio::test]
async fn a_transaction_of_too_many_cells_is_rejected_and_the_same_in_parts_is_stored() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let ms = now_ms();
    let most = limits::TRANSACTION_CELLS as u32;
    let bad = async {
        let mut eve = Raw::open(address, "eve", "hers").await;
        eve.push(&cards(ms, 0..most + 1).encode()).await;
        assert_eq!(eve.answer().await, Answer::Reject(Reason::Limit));
        // The next one is no gap.
        eve.push(&cards(ms + 1, 0..10).encode()).await;
        assert_eq!(eve.answer().await, Answer::Ack);

        let mut eve = Raw::open(address, "eve", "other").await;
        for part in [cards(ms, 0..most), cards(ms, most..2 * most)] {
            let delta = part.encode();
            let mut message = vec![5, 0];
            varint(&mut message, delta.len());
            eve.say(&[message, delta].concat()).await;
        }
        eve.push(&cards(ms, 2 * most..2 * most + 1).encode()).await;
        assert_eq!(eve.answer().await, Answer::Ack);
    };
    honest.beside(bad).await;
}

/// A rejection for its size claims the transaction's version, which would then be the latest time.
#[tokio::test]
async fn a_transaction_that_is_too_large_does_not_move_the_documents_time_into_the_future() {
    let (_dir, address, mut honest) = relay_in_use().await;
    let most = limits::TRANSACTION_CELLS as u32;
    let bad = async {
        let ahead = now_ms() + 10 * limits::DRIFT_MS;
        let mut eve = Raw::open(address, "eve", "hers").await;
        for keys in [0..most + 1, 0..1] {
            eve.push(&cards(ahead, keys).encode()).await;
            assert_eq!(eve.answer().await, Answer::Reject(Reason::Drift));
        }
    };
    honest.beside(bad).await;
}

#[tokio::test(start_paused = true)]
async fn a_delta_whose_last_part_never_comes_is_dropped_after_a_time() {
    let log = leptos_sync_server::MemoryLog::new();
    let options = RelayOptions::default().silence_ms(u32::MAX);
    let (address, _served) = serve_relay(&Relay::with_options(log, ByName, options)).await;
    let mut eve = Raw::open(address, "eve", "board").await;
    eve.say(&part()).await;
    assert_eq!(eve.handled().await, None);
    let begun = tokio::time::Instant::now();
    let closed = loop {
        if let Message::Binary(frame) = eve.socket.next().await.unwrap().unwrap() {
            break (frame[1], Reason::of_code(frame[3]));
        }
    };
    assert_eq!(closed, (9, Reason::Timeout));
    let limit = leptos_sync_server::limits::PARTS_MS;
    assert!(begun.elapsed().as_millis() >= u128::from(limit) - 1_000);
}

/// Opens a document on each of the first `count` channels.
async fn open_many(eve: &mut Raw, count: usize, document: impl Fn(usize) -> String) {
    for channel in 0..count {
        let document = document(channel);
        let mut open = vec![3];
        varint(&mut open, channel);
        varint(&mut open, document.len());
        open.extend_from_slice(document.as_bytes());
        open.extend([0, 0]);
        eve.say(&open).await;
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
        eve.push(&card(EVE, now_ms(), "goes on").encode()).await;
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
