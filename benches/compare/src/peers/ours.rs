//! This library.

use std::{any::Any, hint::black_box};

use leptos_sync_benches::{
    edits, entries,
    ours::{self, Map},
    shuffled_entries, shuffled_keys, values,
};
use leptos_sync_core::{Clock, Delta, Doc, GCounter, LwwRegister, ReplicaId, Snapshot, cells::CellMap};

use super::{CHANGES, Peer, amount, evolving, reads};
use crate::measure::{Side, side};

pub(super) struct Ours;

impl Peer for Ours {
    fn create(&self, size: usize) -> Option<Side> {
        let values = values(size);
        Some(side(
            move || (values.clone(), Vec::with_capacity(size), clock()),
            |(values, registers, clock)| {
                for value in values.drain(..) {
                    registers.push(LwwRegister::<String>::new(value, ours::tick(clock)));
                }
            },
        ))
    }

    fn create_as_benchmarked(&self, size: usize) -> Option<Side> {
        self.create(size)
    }

    fn merge_registers(&self, size: usize) -> Option<Side> {
        let newer = ours::registers(size);
        Some(side(
            || LwwRegister::<String>::new("item-12345".to_owned(), ours::stamp(0, 1)),
            move |register| {
                for other in &newer {
                    register.merge(black_box(other));
                }
            },
        ))
    }

    fn count(&self, size: usize) -> Option<Side> {
        Some(side(GCounter::new, move |counter| {
            for _ in 0..size {
                // Such small counts cannot overflow.
                let _ = counter.increment(1, black_box(ours::stamp(0, 1)));
            }
        }))
    }

    fn merge_counters(&self, size: usize) -> Option<Side> {
        let (base, newer) = (ours::counter(size, 0), ours::counter(size, 1));
        Some(side(
            move || base.clone(),
            move |counter| counter.merge(black_box(&newer)),
        ))
    }

    fn insert_each(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Map::new(), entries.clone(), clock()),
            |(map, entries, clock)| {
                for (key, value) in entries.drain(..) {
                    map.insert(key, value, ours::tick(clock));
                }
            },
        ))
    }

    fn insert_batch(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Map::new(), entries.clone(), clock()),
            |(map, entries, clock)| map.insert_batch(entries.drain(..), ours::tick(clock)),
        ))
    }

    fn insert_batch_ticking(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Map::new(), entries.clone(), clock()),
            |(map, entries, clock)| {
                let stamp = ours::tick(clock);
                // The transaction reads the clock once. Read it as often as the other library does.
                for _ in 1..entries.len() {
                    black_box(ours::tick(clock));
                }
                map.insert_batch(entries.drain(..), stamp)
            },
        ))
    }

    fn insert_in_doc(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Doc::<Map>::new(clock()), entries.clone()),
            |(doc, entries)| {
                let done = doc.transact(|tx| tx.insert_batch(entries.drain(..)));
                done.expect("the batch is within the limits")
            },
        ))
    }

    fn get(&self, size: usize) -> Option<Side> {
        let keys = shuffled_keys(size);
        Some(reads(ours::map(size), keys, |map, key| {
            black_box(map.get(key));
        }))
    }

    fn merge(&self, size: usize) -> Option<Side> {
        let base = ours::map(size);
        let newer = ours::newer_map(&base, size);
        Some(side(
            move || base.clone(),
            move |map| map.merge(black_box(&newer)),
        ))
    }

    fn merge_replica(&self, size: usize) -> Option<Side> {
        let base = ours::map(size);
        let mut copy = Map::new();
        copy.insert_batch(shuffled_entries(size), ours::stamp(0, 1));
        let newer = ours::newer_map(&copy, size);
        Some(side(
            move || base.clone(),
            move |map| map.merge(black_box(&newer)),
        ))
    }

    fn merge_docs(&self, size: usize) -> Option<Side> {
        let base = ours::doc(size);
        let newer = newer_doc(&base, size);
        let state = base.snapshot().expect("a document can be written");
        Some(side(
            move || Doc::<Map>::load(&state, ours::clock(3)),
            move |doc| doc.merge(black_box(&newer)).expect("copies merge"),
        ))
    }

    fn merge_bytes(&self, size: usize) -> Option<Side> {
        let base = ours::doc(size);
        let bytes = encoded(&newer_doc(&base, size));
        let state = base.snapshot().expect("a document can be written");
        Some(side(
            move || Doc::<Map>::load(&state, ours::clock(3)),
            move |doc| {
                let newer = Snapshot::decode(black_box(&bytes)).expect("the bytes are sound");
                doc.merge_snapshot(&newer).expect("copies merge")
            },
        ))
    }

    fn make_delta(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        Some(evolving(
            ours::doc(size),
            move |doc| {
                let before = doc.version().clone();
                change(doc, edits.by_ref());
                before
            },
            |doc, before| {
                let delta = doc.delta_since(&before).expect("nothing was forgotten");
                delta.encode_uncompressed()
            },
        ))
    }

    fn apply_delta(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        let source = ours::doc(size);
        let target = ours::copy(&source, 3);
        Some(evolving(
            (source, target),
            move |(source, _)| change(source, edits.by_ref()),
            |(_, target), bytes| apply(target, &bytes),
        ))
    }

    fn delta_bytes(&self, size: usize) -> Option<f64> {
        let bytes = change(&mut ours::doc(size), edits(size));
        Some(amount(bytes.len()))
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        let base = ours::doc(size);
        let copies = (ours::copy(&base, 2), ours::copy(&base, 3));
        Some(evolving(
            copies,
            move |(source, _)| -> Vec<Vec<u8>> {
                let edits = edits.by_ref().take(CHANGES);
                edits
                    .map(|(key, value)| {
                        let done = source.transact(|tx| tx.insert(key, value));
                        done.expect("within the limits").delta.encode()
                    })
                    .collect()
            },
            |(_, target), updates| {
                for bytes in &updates {
                    apply(target, bytes);
                }
            },
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let doc = ours::doc(size);
        Some(side(|| (), move |()| encoded(&doc)))
    }

    fn encode_deflated(&self, size: usize) -> Option<Side> {
        let doc = ours::doc(size);
        Some(side(
            || (),
            move |()| doc.snapshot().map(|state| state.encode()),
        ))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        Some(decode(encoded(&ours::doc(size))))
    }

    fn decode_deflated(&self, size: usize) -> Option<Side> {
        let state = ours::doc(size).snapshot();
        Some(decode(state.expect("a document can be written").encode()))
    }

    fn bytes(&self, size: usize) -> Option<f64> {
        Some(amount(encoded(&ours::doc(size)).len()))
    }

    fn bytes_deflated(&self, size: usize) -> Option<f64> {
        let state = ours::doc(size).snapshot();
        let bytes = state.expect("a document can be written").encode();
        Some(amount(bytes.len()))
    }

    fn held(&self, size: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(ours::map(size)))
    }

    fn held_as_cells(&self, size: usize) -> Option<Box<dyn Any>> {
        let state = ours::doc(size).snapshot();
        let state = state.expect("a document can be written");
        Some(Box::new(Doc::<CellMap>::load(&state, clock())))
    }
}

fn clock() -> Clock {
    Clock::system(ReplicaId::new(1))
}

fn encoded(doc: &Doc<Map>) -> Vec<u8> {
    let state = doc.snapshot().expect("a document can be written");
    state.encode_uncompressed()
}

fn decode(bytes: Vec<u8>) -> Side {
    side(
        || Some(ours::clock(2)),
        move |clock| {
            let state = Snapshot::decode(black_box(&bytes)).expect("the bytes are sound");
            let doc = Doc::<Map>::load(&state, clock.take()?);
            black_box(doc.state().get("key-000000"));
            Some(doc)
        },
    )
}

/// Returns a copy with a tenth of the entries rewritten by another replica.
fn newer_doc(base: &Doc<Map>, size: usize) -> Doc<Map> {
    let mut doc = ours::copy(base, 2);
    let newer = leptos_sync_benches::newer(size);
    for part in newer.chunks(20_000) {
        let done = doc.transact(|tx| tx.insert_batch(part.iter().cloned()));
        done.expect("the batch is within the limits");
    }
    doc
}

/// Writes the next changes in one transaction and returns their delta.
fn change(doc: &mut Doc<Map>, edits: impl Iterator<Item = (String, String)>) -> Vec<u8> {
    let done = doc.transact(|tx| tx.insert_batch(edits.take(CHANGES)));
    let done = done.expect("the batch is within the limits");
    done.delta.encode_uncompressed()
}

fn apply(doc: &mut Doc<Map>, bytes: &[u8]) {
    let delta = Delta::decode(black_box(bytes)).expect("the bytes are sound");
    doc.apply(&delta).expect("nothing is missing");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_copy() {
        let mut source = ours::doc(10);
        let mut target = ours::copy(&source, 3);
        for value in ["one", "two"] {
            let edit = ("key-000003".to_owned(), value.to_owned());
            apply(&mut target, &change(&mut source, [edit].into_iter()));
            assert_eq!(target.state().get("key-000003").unwrap(), value);
        }
    }
}
