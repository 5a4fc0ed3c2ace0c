//! automerge 0.12: keys of the root. An empty document is filled in bulk from a hydrated map, as
//! its documentation recommends for large values. Later writes use one transaction.
//!
//! The hydrated map is created outside the measured loop.

use std::{any::Any, collections::HashMap, hint::black_box};

use automerge::{
    ActorId, Automerge as Doc, ChangeHash, ROOT, ReadDoc, ScalarValue, hydrate,
    transaction::Transactable,
};
use leptos_sync_benches::{edits, entries, newer, shuffled_keys};

use super::{CHANGES, Peer, amount, caught_up, evolving, updated};
use crate::measure::{Side, side};

pub(super) struct Automerge;

impl Peer for Automerge {
    fn count(&self, size: usize) -> Option<Side> {
        Some(side(
            || {
                let mut doc = empty(1);
                let mut tx = doc.transaction();
                tx.put(ROOT, "counter", ScalarValue::counter(0))
                    .expect("the root is a map");
                tx.commit();
                doc
            },
            move |doc| {
                let mut tx = doc.transaction();
                for _ in 0..size {
                    tx.increment(ROOT, "counter", black_box(1))
                        .expect("there is a counter");
                }
                tx.commit()
            },
        ))
    }

    fn insert_batch(&self, size: usize) -> Option<Side> {
        let entries = hydrated(size);
        Some(side(
            || empty(1),
            move |doc| doc.init_from_hydrate(black_box(&entries)),
        ))
    }

    fn insert_in_doc(&self, size: usize) -> Option<Side> {
        self.insert_batch(size)
    }

    fn get(&self, size: usize) -> Option<Side> {
        let (doc, keys) = (filled(size), shuffled_keys(size));
        Some(side(
            || (),
            move |()| {
                for key in &keys {
                    let _ = black_box(doc.get(ROOT, black_box(key)));
                }
            },
        ))
    }

    fn merge_docs(&self, size: usize) -> Option<Side> {
        let base = filled(size);
        let mut full = copy(&base, 2);
        write(&mut full, newer(size));
        Some(side(
            move || (copy(&base, 3), full.clone()),
            |(doc, full)| doc.merge(full).expect("copies merge"),
        ))
    }

    fn merge_bytes(&self, size: usize) -> Option<Side> {
        let base = filled(size);
        let mut full = copy(&base, 2);
        write(&mut full, newer(size));
        let bytes = full.save_nocompress();
        Some(side(
            move || copy(&base, 3),
            move |doc| {
                let mut full = Doc::load(black_box(&bytes)).expect("the bytes are sound");
                doc.merge(&mut full).expect("copies merge")
            },
        ))
    }

    fn make_delta(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        Some(evolving(
            filled(size),
            move |doc| {
                let before = doc.get_heads();
                write(doc, edits.by_ref().take(CHANGES));
                before
            },
            |doc, before: Vec<ChangeHash>| doc.save_after(&before),
        ))
    }

    fn apply_delta(&self, size: usize) -> Option<Side> {
        Some(caught_up(
            copies(size),
            size,
            |doc, edits| change(doc, edits),
            apply,
        ))
    }

    fn delta_bytes(&self, size: usize) -> Option<f64> {
        let bytes = change(&mut filled(size), edits(size).take(CHANGES));
        Some(amount(bytes.len()))
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        Some(updated(
            copies(size),
            size,
            |doc, edits| change(doc, edits),
            apply,
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let doc = filled(size);
        Some(side(|| (), move |()| doc.save_nocompress()))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        let bytes = filled(size).save_nocompress();
        Some(side(
            || (),
            move |()| {
                let doc = Doc::load(black_box(&bytes)).expect("the bytes are sound");
                let _ = black_box(doc.get(ROOT, "key-000000"));
                doc
            },
        ))
    }

    fn bytes(&self, size: usize) -> Option<f64> {
        Some(amount(filled(size).save_nocompress().len()))
    }

    fn bytes_deflated(&self, size: usize) -> Option<f64> {
        Some(amount(filled(size).save().len()))
    }

    fn held(&self, size: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(filled(size)))
    }
}

fn empty(actor: u8) -> Doc {
    Doc::new().with_actor(ActorId::from([actor; 16]))
}

fn hydrated(size: usize) -> hydrate::Map {
    let entries: HashMap<String, hydrate::Value> = entries(size)
        .into_iter()
        .map(|(key, value)| (key, value.as_str().into()))
        .collect();
    entries.into()
}

fn filled(size: usize) -> Doc {
    let mut doc = empty(1);
    doc.init_from_hydrate(&hydrated(size))
        .expect("the document is empty");
    doc
}

fn copy(doc: &Doc, actor: u8) -> Doc {
    doc.clone().with_actor(ActorId::from([actor; 16]))
}

/// Returns a document that is edited, and one that receives the edits.
fn copies(size: usize) -> (Doc, Doc) {
    let doc = filled(size);
    (copy(&doc, 2), copy(&doc, 3))
}

fn write(doc: &mut Doc, entries: impl IntoIterator<Item = (String, String)>) {
    let mut tx = doc.transaction();
    for (key, value) in entries {
        tx.put(ROOT, key, value).expect("the root is a map");
    }
    tx.commit();
}

/// Writes entries in one transaction and returns the change.
fn change(doc: &mut Doc, entries: impl IntoIterator<Item = (String, String)>) -> Vec<u8> {
    let before = doc.get_heads();
    write(doc, entries);
    doc.save_after(&before)
}

fn apply(doc: &mut Doc, bytes: &[u8]) {
    doc.load_incremental(black_box(bytes))
        .expect("the bytes are sound");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_copy() {
        let (mut source, mut target) = copies(10);
        for value in ["one", "two"] {
            let bytes = change(&mut source, [("key-000003".to_owned(), value.to_owned())]);
            apply(&mut target, &bytes);
            let (found, _) = target.get(ROOT, "key-000003").unwrap().unwrap();
            assert_eq!(found.as_str(), Some(value));
        }
    }
}
