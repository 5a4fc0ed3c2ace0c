//! Shared code of the fuzz targets: a document of every type, and one that is exchanged.

pub mod replica;

use leptos_sync_core::{
    Clock, Crdt, Doc, GCounter, LwwMap, LwwRegister, MvRegister, OrSet, PnCounter, ReplicaId, clock::ManualTime,
};
use xxhash_rust::xxh64::xxh64;

/// The wall clock of all targets.
pub const NOW_MS: u64 = 1_700_000_000_000;

/// Every type, and a record in a record.
#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub struct Board {
    pub title: LwwRegister<String>,
    pub cards: LwwMap<u32, String>,
    pub likes: GCounter,
    pub stock: PnCounter,
    pub inner: Inner,
}

#[derive(Crdt, Clone, Default, PartialEq, Debug)]
pub struct Inner {
    pub done: LwwRegister<bool>,
    pub notes: LwwMap<String, Vec<u8>>,
    pub labels: OrSet<String>,
    pub draft: MvRegister<u32>,
}

/// An empty document.
pub fn board(replica: u64) -> Doc<Board> {
    let time = ManualTime::at(NOW_MS);
    Doc::new(Clock::new(ReplicaId::new(replica), time))
}

/// An envelope for a body, since mutations would never find its checksum.
pub fn sealed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut envelope = vec![b'L', b'S', b'Y', b'N', 2, kind, 0];
    let mut length = body.len();
    while length >= 0x80 {
        envelope.push(length as u8 | 0x80);
        length >>= 7;
    }
    envelope.push(length as u8);
    let checksum = xxh64(body, xxh64(&envelope, 0)) as u32;
    envelope.extend(checksum.to_le_bytes());
    envelope.extend(body);
    envelope
}
