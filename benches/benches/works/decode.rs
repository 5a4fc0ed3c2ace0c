//! Decoding a document's whole state, uncompressed and compressed.

use std::sync::Arc;

use leptos_sync_benches::ours::{self, Map};
use leptos_sync_core::{Doc, Error, Snapshot};

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("decode", |group| {
        group.bench(
            "plain",
            |size| bytes(size, Snapshot::encode_uncompressed),
            decode,
        );
        group.bench("compressed", |size| bytes(size, Snapshot::encode), decode);
    });
}

fn bytes(size: usize, encode: impl Fn(&Snapshot) -> Vec<u8>) -> impl FnMut() -> Arc<Vec<u8>> {
    let snapshot = ours::doc(size).snapshot();
    let bytes = Arc::new(
        snapshot
            .map(|snapshot| encode(&snapshot))
            .unwrap_or_default(),
    );
    move || Arc::clone(&bytes)
}

fn decode(bytes: &mut Arc<Vec<u8>>) -> Result<Doc<Map>, Error> {
    Ok(Doc::load(&Snapshot::decode(bytes)?, ours::clock(2)))
}
