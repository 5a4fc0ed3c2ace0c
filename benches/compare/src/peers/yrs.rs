//! yrs 0.28: a root map, written in one transaction, with updates in encoding v1, which its
//! documentation introduces first.
//!
//! Rows of bytes use the shorter of v1 and v2.

use std::{any::Any, hint::black_box};

use leptos_sync_benches::{edits, entries, newer, shuffled_keys};
use yrs::{
    Doc, Map, MapRef, ReadTxn, StateVector, Transact, Update, updates::decoder::Decode as _,
};

use super::{CHANGES, Peer, amount, caught_up, deflated, evolving, updated};
use crate::measure::{Side, side};

pub(super) struct Yrs;

impl Peer for Yrs {
    fn insert_batch(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (empty(1), entries.clone()),
            |((doc, map), entries)| write(doc, map, entries.drain(..)),
        ))
    }

    fn insert_in_doc(&self, size: usize) -> Option<Side> {
        self.insert_batch(size)
    }

    fn get(&self, size: usize) -> Option<Side> {
        let ((doc, map), keys) = (filled(size), shuffled_keys(size));
        Some(side(
            || (),
            move |()| {
                let tx = doc.transact();
                for key in &keys {
                    black_box(map.get(&tx, black_box(key)));
                }
            },
        ))
    }

    fn merge_docs(&self, size: usize) -> Option<Side> {
        let (base, _) = filled(size);
        let state = encoded(&base);
        let (newer_doc, map) = loaded(2, &state);
        write(&newer_doc, &map, newer(size));
        let full = encoded(&newer_doc);
        Some(side(
            move || loaded(3, &state),
            move |(doc, _)| apply(doc, &full),
        ))
    }

    fn merge_bytes(&self, size: usize) -> Option<Side> {
        self.merge_docs(size)
    }

    fn make_delta(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        Some(evolving(
            filled(size),
            move |(doc, map)| {
                let before = doc.transact().state_vector();
                write(doc, map, edits.by_ref().take(CHANGES));
                before
            },
            |(doc, _), before| doc.transact().encode_diff_v1(&before),
        ))
    }

    fn apply_delta(&self, size: usize) -> Option<Side> {
        Some(caught_up(
            copies(size),
            size,
            |(doc, map), edits| change(doc, map, edits).0,
            |(target, _), bytes| apply(target, bytes),
        ))
    }

    fn delta_bytes(&self, size: usize) -> Option<f64> {
        let (doc, map) = filled(size);
        let (first, second) = change(&doc, &map, edits(size).take(CHANGES));
        Some(amount(first.len().min(second.len())))
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        Some(updated(
            copies(size),
            size,
            |(doc, map), edits| change(doc, map, edits).0,
            |(target, _), bytes| apply(target, bytes),
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let (doc, _) = filled(size);
        Some(side(|| (), move |()| encoded(&doc)))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        let bytes = encoded(&filled(size).0);
        Some(side(
            || (),
            move |()| {
                let (doc, map) = loaded(2, &bytes);
                black_box(map.get(&doc.transact(), "key-000000"));
                doc
            },
        ))
    }

    fn bytes(&self, size: usize) -> Option<f64> {
        Some(amount(shorter(size).len()))
    }

    fn bytes_deflated(&self, size: usize) -> Option<f64> {
        let (doc, _) = filled(size);
        let first = deflated(&encoded(&doc)).len();
        let second = deflated(&encoded_v2(&doc)).len();
        Some(amount(first.min(second)))
    }

    fn held(&self, size: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(filled(size)))
    }
}

fn empty(client: u64) -> (Doc, MapRef) {
    let doc = Doc::with_client_id(client);
    let map = doc.get_or_insert_map("map");
    (doc, map)
}

fn filled(size: usize) -> (Doc, MapRef) {
    let (doc, map) = empty(1);
    write(&doc, &map, entries(size));
    (doc, map)
}

/// Returns a document that is edited, and one that receives the edits.
fn copies(size: usize) -> ((Doc, MapRef), (Doc, MapRef)) {
    let state = encoded(&filled(size).0);
    (loaded(2, &state), loaded(3, &state))
}

fn write(doc: &Doc, map: &MapRef, entries: impl IntoIterator<Item = (String, String)>) {
    let mut tx = doc.transact_mut();
    for (key, value) in entries {
        map.insert(&mut tx, key, value);
    }
}

/// Writes entries in one transaction and returns the update in both encodings. Unlike the changes
/// since a state vector, the update does not list all overwritten operations.
fn change(
    doc: &Doc,
    map: &MapRef,
    entries: impl IntoIterator<Item = (String, String)>,
) -> (Vec<u8>, Vec<u8>) {
    let mut tx = doc.transact_mut();
    for (key, value) in entries {
        map.insert(&mut tx, key, value);
    }
    tx.commit();
    (tx.encode_update_v1(), tx.encode_update_v2())
}

fn encoded(doc: &Doc) -> Vec<u8> {
    let nothing = StateVector::default();
    doc.transact().encode_state_as_update_v1(&nothing)
}

fn encoded_v2(doc: &Doc) -> Vec<u8> {
    let nothing = StateVector::default();
    doc.transact().encode_state_as_update_v2(&nothing)
}

fn shorter(size: usize) -> Vec<u8> {
    let (doc, _) = filled(size);
    let (first, second) = (encoded(&doc), encoded_v2(&doc));
    if first.len() <= second.len() {
        first
    } else {
        second
    }
}

fn loaded(client: u64, bytes: &[u8]) -> (Doc, MapRef) {
    let (doc, map) = empty(client);
    apply(&doc, bytes);
    (doc, map)
}

fn apply(doc: &Doc, bytes: &[u8]) {
    let update = Update::decode_v1(black_box(bytes)).expect("the bytes are sound");
    let mut tx = doc.transact_mut();
    tx.apply_update(update).expect("nothing is missing");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_copy() {
        let ((source, map), (target, copy)) = copies(10);
        for value in ["one", "two"] {
            let (bytes, _) = change(&source, &map, [("key-000003".to_owned(), value.to_owned())]);
            apply(&target, &bytes);
            let found = copy.get(&target.transact(), "key-000003");
            assert_eq!(found, Some(value.into()));
        }
    }
}
