//! crdts 7.3.2: its counter, its register with the time as the marker, and its map.
//!
//! The values of its map must be able to forget the operations that a removal has seen. Its
//! last-writer-wins register cannot do that, so the values are multi-value registers, as in its
//! documentation. It has no batches: each entry is an operation.

use std::{any::Any, hint::black_box};

use crdts::{CmRDT, CvRDT, GCounter, LWWReg, MVReg, Map as CrdtMap, map::Op};
use leptos_sync_benches::{edits, entries, newer, shuffled_keys, values};
use leptos_sync_core::clock::{SystemTime, TimeSource};

use super::{CHANGES, Peer, amount, deflated, evolving, reads};
use crate::measure::{Side, side};

pub(super) struct Crdts;

type Register = LWWReg<String, (u64, u64)>;
type Value = MVReg<String, u64>;
type Map = CrdtMap<String, Value, u64>;
type Update = Op<String, Value, u64>;

impl Peer for Crdts {
    fn create(&self, size: usize) -> Option<Side> {
        let values = values(size);
        Some(side(
            move || (values.clone(), Vec::<Register>::with_capacity(size)),
            |(values, registers)| {
                for val in values.drain(..) {
                    let marker = (SystemTime.now_ms(), 1);
                    registers.push(LWWReg { val, marker });
                }
            },
        ))
    }

    fn merge_registers(&self, size: usize) -> Option<Side> {
        let newer: Vec<_> = (1..)
            .zip(values(size))
            .map(|(at, value)| register(value, at, 2))
            .collect();
        Some(side(
            move || (register("item-12345".to_owned(), 0, 1), newer.clone()),
            |(register, newer)| {
                for other in newer.drain(..) {
                    register.merge(black_box(other));
                }
            },
        ))
    }

    fn count(&self, size: usize) -> Option<Side> {
        Some(side(GCounter::<u64>::new, move |counter| {
            for _ in 0..size {
                counter.apply(counter.inc(black_box(1)));
            }
        }))
    }

    fn merge_counters(&self, size: usize) -> Option<Side> {
        let (base, newer) = (counter(size, 0), counter(size, 1));
        Some(side(
            move || (base.clone(), Some(newer.clone())),
            |(counter, newer)| newer.take().map(|newer| counter.merge(newer)),
        ))
    }

    fn insert_batch(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Map::new(), entries.clone()),
            |(map, entries)| {
                for (key, value) in entries.drain(..) {
                    write(map, key, value, 1);
                }
            },
        ))
    }

    fn get(&self, size: usize) -> Option<Side> {
        let keys = shuffled_keys(size);
        Some(reads(map(size), keys, |map, key| {
            black_box(map.get(key));
        }))
    }

    fn merge(&self, size: usize) -> Option<Side> {
        let base = map(size);
        let mut full = base.clone();
        for (key, value) in newer(size) {
            write(&mut full, key, value, 2);
        }
        Some(side(
            move || (base.clone(), Some(full.clone())),
            |(map, full)| full.take().map(|full| map.merge(full)),
        ))
    }

    fn apply_delta(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        let base = map(size);
        Some(evolving(
            (base.clone(), base),
            move |(source, _)| {
                let updates: Vec<_> = changes(source, edits.by_ref());
                bincode::serialize(&updates).expect("text can be written")
            },
            |(_, target), bytes| {
                let updates: Vec<Update> = decode(&bytes);
                updates.into_iter().for_each(|update| target.apply(update));
            },
        ))
    }

    fn delta_bytes(&self, size: usize) -> Option<f64> {
        let updates = changes(&mut map(size), edits(size));
        bincode::serialized_size(&updates)
            .ok()
            .map(|bytes| bytes as f64)
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        let base = map(size);
        Some(evolving(
            (base.clone(), base),
            move |(source, _)| -> Vec<Vec<u8>> {
                let updates = changes(source, edits.by_ref());
                let bytes = updates.iter().map(bincode::serialize);
                bytes
                    .collect::<Result<_, _>>()
                    .expect("text can be written")
            },
            |(_, target), updates| {
                for bytes in &updates {
                    target.apply(decode::<Update>(bytes));
                }
            },
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let map = map(size);
        Some(side(|| (), move |()| bincode::serialize(&map)))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        let bytes = encoded(size);
        Some(side(
            || (),
            move |()| {
                let map: Map = decode(&bytes);
                black_box(map.get(&"key-000000".to_owned()));
                map
            },
        ))
    }

    fn bytes(&self, size: usize) -> Option<f64> {
        Some(amount(encoded(size).len()))
    }

    fn bytes_deflated(&self, size: usize) -> Option<f64> {
        Some(amount(deflated(&encoded(size)).len()))
    }

    fn held(&self, size: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(map(size)))
    }
}

fn register(val: String, time: u64, replica: u64) -> Register {
    let marker = (1_700_000_000_000 + time, replica);
    LWWReg { val, marker }
}

/// Returns a counter in which each of `replicas` has incremented once, and every second one `more`
/// additional times.
fn counter(replicas: usize, more: u64) -> GCounter<u64> {
    let mut counter = GCounter::new();
    for replica in 0..replicas as u64 {
        counter.apply(counter.inc_many(replica, 1 + more * (replica % 2)));
    }
    counter
}

fn map(size: usize) -> Map {
    let mut map = Map::new();
    for (key, value) in entries(size) {
        write(&mut map, key, value, 1);
    }
    map
}

fn write(map: &mut Map, key: String, value: String, actor: u64) -> Update {
    let context = map.read_ctx().derive_add_ctx(actor);
    let update = map.update(key, context, |register, context| {
        register.write(value, context)
    });
    map.apply(update.clone());
    update
}

fn changes(map: &mut Map, edits: impl Iterator<Item = (String, String)>) -> Vec<Update> {
    edits
        .take(CHANGES)
        .map(|(key, value)| write(map, key, value, 2))
        .collect()
}

fn encoded(size: usize) -> Vec<u8> {
    bincode::serialize(&map(size)).expect("text can be written")
}

fn decode<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> T {
    bincode::deserialize(black_box(bytes)).expect("the bytes are sound")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_copy() {
        let mut source = map(10);
        let mut target = source.clone();
        for value in ["one", "two"] {
            let update = write(&mut source, "key-000003".to_owned(), value.to_owned(), 2);
            target.apply(decode(&bincode::serialize(&update).unwrap()));
            let found = target.get(&"key-000003".to_owned()).val.unwrap();
            assert_eq!(found.read().val, [value]);
        }
    }
}
