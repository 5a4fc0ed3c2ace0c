//! Transactions of a document: a batch into an empty map, and a write to one entry among many.

use std::{cell::RefCell, rc::Rc};

use leptos_sync_benches::{
    changed, entries,
    ours::{self, Map},
};
use leptos_sync_core::Doc;

use crate::group::Harness;

/// The number of entries in one transaction, which has a limit.
const BATCH: usize = 10_000;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("documents", |group| {
        group.bench_at(
            &[1, 1_000, BATCH],
            "insert_batch",
            |size| {
                let entries = entries(size);
                move || (Doc::<Map>::new(ours::clock(1)), entries.clone())
            },
            |(doc, entries)| doc.transact(|tx| tx.insert_batch(entries.drain(..))),
        );
        group.bench("edit", lent, |(doc, edits)| {
            let mut doc = doc.borrow_mut();
            doc.transact(|tx| tx.insert_batch(edits.drain(..)))
        });
    });
}

type Lent = (Rc<RefCell<Doc<Map>>>, Vec<(String, String)>);

/// Returns a function that lends a document of this size, and one edit, to each sample.
fn lent(size: usize) -> impl FnMut() -> Lent {
    let mut doc = ours::doc(size);
    // Later transactions reuse the buffers of the first one.
    let done = doc.transact(|tx| tx.insert_batch(changed(size, 1)));
    assert!(done.is_ok(), "{done:?}");
    let doc = Rc::new(RefCell::new(doc));
    let edit = changed(size, 1);
    move || (Rc::clone(&doc), edit.clone())
}
