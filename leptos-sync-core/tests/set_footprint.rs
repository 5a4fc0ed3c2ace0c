//! The memory and the encoded bytes of sets, and of registers with concurrent values.
//!
//! This file has a single test, since the allocator counts the memory of all threads.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a failed test may panic, and a measurement is printed"
)]

mod common;

use common::doc;
use leptos_sync_core::{Crdt, MvRegister, OrSet};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[derive(Crdt, Clone, Default)]
struct Card {
    title: MvRegister<String>,
    labels: OrSet<String>,
}

const ELEMENTS: usize = 10_000;

/// Returns the bytes of a document's state on the heap, and of its snapshot, without compression.
fn sizes(elements: usize) -> (usize, usize) {
    let mut doc = doc::<Card>(1);
    let labels = (0..elements).map(|n| format!("key-{n:06}").into_boxed_str().into_string());
    doc.transact(|tx| tx.labels().insert_batch(labels)).unwrap();
    let before = MEMORY.current_usage();
    let copy = doc.state().clone();
    let heap = MEMORY.current_usage() - before;
    assert_eq!(copy.labels.len(), elements);
    (heap, doc.snapshot().unwrap().encode_uncompressed().len())
}

#[test]
fn an_element_takes_little_more_than_its_bytes_and_its_tag() {
    let (heap, encoded) = sizes(ELEMENTS);
    let each = |bytes: usize| bytes as f64 / ELEMENTS as f64;
    eprintln!(
        "{ELEMENTS} elements of 10 B: {:.1} B on the heap, {:.1} B encoded each",
        each(heap),
        each(encoded)
    );
    assert!(each(heap) < 180.0, "{heap}");
    assert!(each(encoded) < 24.0, "{encoded}");
    let (heap, encoded) = sizes(1);
    eprintln!("one element: {heap} B on the heap, {encoded} B encoded");
    assert!(heap < 1_200, "{heap}");

    let mut card = doc::<Card>(1);
    card.transact(|tx| tx.title().set("Groceries".to_owned()))
        .unwrap();
    let before = MEMORY.current_usage();
    let copy = card.state().clone();
    let heap = MEMORY.current_usage() - before;
    eprintln!(
        "a register: {heap} B on the heap, {} B in itself",
        size_of_val(&copy.title)
    );
    assert!(heap <= "Groceries".len(), "{heap}");
}
