//! A document's whole state as bytes: as it is, and compressed.

mod setup;

use std::sync::Arc;

use leptos_sync_benches::ours;

fn main() {
    setup::main("encode", |group| {
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
