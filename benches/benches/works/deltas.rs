//! Deltas of a hundred changes (or of all entries in smaller maps): created from the document, and
//! applied to a copy that lacks them.

use std::sync::Arc;

use leptos_sync_benches::{
    SIZES, changed,
    ours::{self, Map},
};
use leptos_sync_core::{Doc, VersionVector};

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("deltas", |group| {
        group.bench_at(
            &[SIZES.as_slice(), &[1_000_000]].concat(),
            "make",
            |size| {
                let lent = Arc::new(edited(ours::doc(size), size));
                move || Arc::clone(&lent)
            },
            |lent| lent.0.delta_since(&lent.1),
        );
        group.bench(
            "apply",
            |size| {
                let old = ours::doc(size).snapshot();
                let (new, before) = edited(ours::doc(size), size);
                let lent = Arc::new(new.delta_since(&before));
                move || {
                    let old = old.as_ref().ok();
                    let doc = old.map(|old| Doc::<Map>::load(old, ours::clock(2)));
                    (doc, Arc::clone(&lent))
                }
            },
            |(doc, delta)| match (doc, &**delta) {
                (Some(doc), Ok(delta)) => doc.apply(delta),
                _ => unreachable!("the inputs were made from a sound document"),
            },
        );
    });
}

/// Returns the document after a hundred changes, and its version before them.
fn edited(mut doc: Doc<Map>, size: usize) -> (Doc<Map>, VersionVector) {
    let before = doc.version().clone();
    let done = doc.transact(|tx| tx.insert_batch(changed(size, size.min(100))));
    assert!(done.is_ok(), "{done:?}");
    (doc, before)
}
