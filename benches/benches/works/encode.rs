//! Encoding a document's whole state, uncompressed and compressed.

use std::sync::Arc;

use leptos_sync_benches::ours;

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("encode", |group| {
        group.bench(
            "plain",
            |size| {
                let doc = Arc::new(ours::doc(size));
                move || Arc::clone(&doc)
            },
            |doc| doc.snapshot().map(|state| state.encode_uncompressed()),
        );
        group.bench(
            "compressed",
            |size| {
                let doc = Arc::new(ours::doc(size));
                move || Arc::clone(&doc)
            },
            |doc| doc.snapshot().map(|state| state.encode()),
        );
    });
}
