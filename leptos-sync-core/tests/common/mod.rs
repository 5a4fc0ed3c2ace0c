//! Helpers for many tests: fixed clocks, and envelopes with a correct checksum around any body.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test uses a part, and a failed test may panic"
)]

pub(crate) mod notes;

use std::{
    collections::BTreeMap,
    pin::pin,
    task::{Context, Poll, Waker},
};

use leptos_sync_core::{
    Clock, Delta, Doc, ReplicaId, Root, Stamp, cells::PathBuf, clock::ManualTime,
    storage::MemoryStorage,
};
use xxhash_rust::xxh64::xxh64;

/// The time in milliseconds in tests that do not advance it.
pub(crate) const NOW_MS: u64 = 1_700_000_000_000;

pub(crate) const DELTA: u8 = 1;
pub(crate) const SNAPSHOT: u8 = 2;

pub(crate) fn clock(replica: u64) -> Clock {
    Clock::new(ReplicaId::new(replica), ManualTime::at(NOW_MS))
}

pub(crate) fn doc<S: Root>(replica: u64) -> Doc<S> {
    Doc::new(clock(replica))
}

/// Returns a storage that compresses its values, if this build can.
#[cfg(feature = "deflate")]
pub(crate) fn compressed() -> leptos_sync_core::storage::CompressedStorage<MemoryStorage> {
    leptos_sync_core::storage::CompressedStorage::new(MemoryStorage::new())
}

/// Returns a storage that compresses its values, if this build can.
#[cfg(not(feature = "deflate"))]
pub(crate) fn compressed() -> MemoryStorage {
    MemoryStorage::new()
}

/// Returns the output of a future that never waits, such as one of a memory storage.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the future waits"),
    }
}

/// Returns the encoded state and version.
pub(crate) fn bytes<S: Root>(doc: &Doc<S>) -> Vec<u8> {
    doc.assert_invariants();
    doc.snapshot().unwrap().encode()
}

/// Returns the cells of a delta by path. Deltas of the same cells may list them in different
/// orders.
///
/// # Panics
///
/// If the delta has two cells at one path.
pub(crate) fn cells_of(delta: &Delta) -> BTreeMap<PathBuf, (Stamp, Option<Vec<u8>>)> {
    let mut cells = BTreeMap::new();
    for group in delta.cells().groups() {
        for cell in group.cells() {
            let value = cell.value.map(<[u8]>::to_vec);
            let twice = cells.insert(cell.path(group.parent()), (cell.stamp, value));
            assert_eq!(twice, None, "a delta has each cell once");
        }
    }
    cells
}

pub(crate) fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

/// Returns an uncompressed envelope with a correct checksum around any body.
pub(crate) fn sealed(kind: u8, body: &[u8]) -> Vec<u8> {
    around(&[&[kind, 0][..], &varint(body.len() as u64)].concat(), body)
}

/// Returns an envelope that declares that its body inflates to `inflated` bytes.
pub(crate) fn sealed_deflated(kind: u8, inflated: u64, body: &[u8]) -> Vec<u8> {
    let lengths = [varint(inflated), varint(body.len() as u64)].concat();
    around(&[&[kind, 1][..], &lengths].concat(), body)
}

fn around(head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = [&b"LSYN\x02"[..], head].concat();
    let checksum = xxh64(body, xxh64(&out, 0)) as u32;
    out.extend_from_slice(&checksum.to_le_bytes());
    out.extend_from_slice(body);
    out
}

/// Returns the body of an uncompressed envelope.
pub(crate) fn body_of(envelope: &[u8]) -> &[u8] {
    assert_eq!(envelope[6], 0, "the envelope is not compressed");
    let length = envelope[7..]
        .iter()
        .take_while(|byte| **byte >= 0x80)
        .count()
        + 1;
    &envelope[7 + length + 4..]
}
