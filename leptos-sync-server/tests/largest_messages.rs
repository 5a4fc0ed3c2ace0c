//! The largest transactions and pages, and what clients receive of them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{Answer, ByName, HELLO, Raw, entry, now_ms, open_of, serve, serve_relay};
use futures::StreamExt as _;
use leptos_sync_core::{
    ReplicaId, Stamp, Time,
    cells::{CellRef, Path, PathBuf},
    history::{Entry, Patch},
    limits,
    sync::Reason,
};
use leptos_sync_server::{DurableLog as _, MemoryLog, Relay};
use tokio_tungstenite::tungstenite::Message;

/// Eve's replica id.
const EVE: u64 = 9;

/// The kind of a page.
const PAGE: u8 = 4;

/// A cell of an entry: its parent, its key, and the size of its value.
type Shape = (PathBuf, Vec<u8>, usize);

/// Returns an entry of Eve with these cells.
fn entry_of(number: u64, ms: u64, cells: &[Shape]) -> Entry {
    let stamp = Stamp::new(Time::from_ms(ms), ReplicaId::new(EVE));
    let cells = Patch::collect(stamp.time, |out| {
        for (parent, key, size) in cells {
            let value = noise(*size);
            out.group(parent.as_path());
            out.copy(CellRef {
                key,
                stamp,
                value: Some(&value),
            });
        }
    });
    entry(EVE, number, stamp.time, cells.unwrap())
}

/// Returns bytes that cannot be compressed.
fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..size).map(next).collect()
}

/// Returns the longest path, below which a cell has room for a key of `key` bytes.
fn longest_parent(key: usize) -> PathBuf {
    // Two bytes hold the length of a long name.
    let name = vec![b'n'; limits::PATH_BYTES - key - 4];
    let bytes = [
        &[name.len() as u8 | 128, (name.len() >> 7) as u8][..],
        &name,
    ]
    .concat();
    Path::from_bytes(&bytes).unwrap().to_owned()
}

/// Returns a cell of one byte less than a page, as the relay counts it.
fn almost_a_page() -> Shape {
    let parent = longest_parent(3);
    let counted = parent.as_path().as_bytes().len() + 1 + 3 + 8;
    let value = leptos_sync_server::limits::PAGE_BYTES - counted - 1;
    (parent, vec![7, 7, 7], value)
}

/// Returns the cells of a transaction of exactly the maximum size, in values of the maximum size.
fn largest(number: u64, ms: u64) -> Vec<Shape> {
    let parent = longest_parent(2);
    let mut cells: Vec<_> = (0..5_u16)
        .map(|at| {
            (
                parent.clone(),
                at.to_be_bytes().to_vec(),
                limits::VALUE_BYTES,
            )
        })
        .collect();
    let size = |cells: &[Shape]| entry_of(number, ms, cells).cells.bytes();
    cells[4].2 = 0;
    cells[3].2 -= size(&cells) - limits::TRANSACTION_BYTES;
    assert_eq!(size(&cells), limits::TRANSACTION_BYTES);
    cells
}

/// A connection of a client that reads no compressed messages.
async fn plain(address: std::net::SocketAddr) -> Raw {
    let mut raw = Raw::connect(address).await;
    raw.say(&HELLO).await;
    raw.say(&open_of(0, "board")).await;
    raw.opened().await;
    raw
}

/// Reads the document page by page, and returns the sizes of all messages with pages.
async fn page_sizes(raw: &mut Raw, numbers: usize) -> Vec<usize> {
    let (mut after, mut sizes) = (0, Vec::new());
    while after < numbers {
        raw.read(after).await;
        let mut page = Vec::new();
        loop {
            let Message::Binary(frame) = raw.socket.next().await.unwrap().unwrap() else {
                continue;
            };
            page.extend_from_slice(&frame[1..]);
            if frame[0] & 1 == 0 {
                break;
            }
        }
        assert_eq!(page[..3], [PAGE, 0, after as u8]);
        after += usize::from(page[3]);
        sizes.push(page.len());
    }
    sizes
}

/// Otherwise, no client could ever read the document again.
#[tokio::test]
async fn a_page_before_the_largest_transaction_fits_into_a_message() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("log")).await;
    let mut eve = Raw::open(address, "eve", "board").await;
    let ms = now_ms();
    let before = vec![almost_a_page()];
    for (number, cells) in [(1, before), (2, largest(2, ms))] {
        eve.push(&[entry_of(number, ms + number, &cells)]).await;
        assert_eq!(eve.answer().await, Answer::Ack);
    }
    let sizes = page_sizes(&mut plain(address).await, 2).await;
    assert!(
        sizes.iter().all(|size| *size <= limits::RESPONSE_BYTES),
        "{sizes:?}"
    );
}

/// Each group of cells has the stamp's distance from the page's base time.
#[tokio::test]
async fn a_transaction_of_many_small_records_fits_into_a_message_years_later() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("log")).await;
    let mut eve = Raw::open(address, "eve", "board").await;
    let ms = now_ms();
    let long_ago = ms - 10 * 365 * 24 * 60 * 60 * 1_000;
    let record = |at: u16| {
        let parent = [&[4][..], &u32::from(at).to_be_bytes()].concat();
        let parent = Path::from_bytes(&parent).unwrap().to_owned();
        (parent, b"k".to_vec(), 3)
    };
    let one = entry_of(1, long_ago, &[record(0)]).cells.bytes();
    let count = limits::TRANSACTION_BYTES / one;
    let records: Vec<_> = (0..count as u16).map(record).collect();
    let many = entry_of(1, long_ago, &records);
    let late = entry_of(2, ms, &[(Path::ROOT.to_owned(), b"x".to_vec(), 1)]);
    eve.push(&[many]).await;
    assert_eq!(eve.answer().await, Answer::Ack);
    eve.push(&[late]).await;
    assert_eq!(eve.answer().await, Answer::Ack);
    let sizes = page_sizes(&mut plain(address).await, 2).await;
    assert!(
        sizes.iter().all(|size| *size <= limits::RESPONSE_BYTES),
        "{sizes:?}"
    );
}

/// Sorted by path, the cells of an offer may take several times the bytes.
#[tokio::test]
async fn a_page_before_the_most_disordered_offer_fits_into_a_message() {
    let log = MemoryLog::new().unwrap();
    let ms = now_ms();
    let first = entry_of(1, ms, &[almost_a_page()]);
    let pushed = log.push("board", "eve", vec![first], ms).await.unwrap();
    assert_eq!(pushed.count, 1);
    // Each cell has another time than the one before, and as far away as possible.
    let times = [Time::new(1), Time::from_ms(limits::CLOCK_MS - 1)];
    let cells = Patch::collect(times[0], |out| {
        out.group(Path::ROOT);
        for (at, time) in times.into_iter().enumerate() {
            for key in (at as u32..limits::TRANSACTION_CELLS as u32).step_by(2) {
                out.copy(CellRef {
                    key: &key.to_be_bytes()[1..],
                    stamp: Stamp::new(time, ReplicaId::new(EVE)),
                    value: Some(&[7; 12]),
                });
            }
        }
    });
    let cells = cells.unwrap();
    assert!(cells.envelope_bytes() < limits::TRANSACTION_BYTES);
    let offered = log
        .join_cells("board", None, cells, ms, times[1])
        .await
        .unwrap();
    assert!(offered.all);
    let relay = Relay::new(log, ByName);
    let (address, _) = serve_relay(&relay).await;
    let sizes = page_sizes(&mut plain(address).await, 2).await;
    assert!(sizes[0] > limits::MESSAGE_BYTES, "{sizes:?}");
    assert!(sizes[0] <= limits::RESPONSE_BYTES, "{sizes:?}");
}

/// A client without compression could never read it.
#[tokio::test]
async fn a_transaction_over_the_limit_is_rejected_even_if_it_is_compressed() {
    let dir = tempfile::tempdir().unwrap();
    let (address, ..) = serve(&dir.path().join("log")).await;
    let ms = now_ms();
    let stamp = Stamp::new(Time::from_ms(ms), ReplicaId::new(EVE));
    // Noise, because a body that is compressed to less than a twentieth is rejected anyway.
    let value = [
        noise(limits::VALUE_BYTES / 8),
        vec![0; limits::VALUE_BYTES * 7 / 8],
    ]
    .concat();
    let cells = Patch::collect(stamp.time, |out| {
        out.group(Path::ROOT);
        for at in 0..5_u8 {
            out.copy(CellRef {
                key: &[at],
                stamp,
                value: Some(&value),
            });
        }
    });
    let cells = cells.unwrap();
    assert!(cells.encode().len() < limits::TRANSACTION_BYTES);
    assert!(cells.bytes() > limits::TRANSACTION_BYTES);
    let mut eve = Raw::open(address, "eve", "board").await;
    eve.push(&[entry(EVE, 1, stamp.time, cells)]).await;
    assert_eq!(eve.answer().await, Answer::Reject(Reason::Limit));
    // A client rolls the edit back, and sends its number without cells.
    eve.push(&[entry(EVE, 1, Time::ZERO, Patch::default())])
        .await;
    assert_eq!(eve.answer().await, Answer::Ack);
}
