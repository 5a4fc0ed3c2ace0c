//! The other library with this name, version 0.9.0 on the registry.

use std::{any::Any, collections::HashMap, hint::black_box};

use chrono::{DateTime, TimeDelta, Utc};
use leptos_sync_benches::{edits, entries, newer, shuffled_keys, values};
use other::crdt::{GCounter, LwwMap, LwwRegister, Mergeable, ReplicaId};
use uuid::Uuid;

use super::{CHANGES, Peer, amount, deflated, evolving, inflated, reads};
use crate::measure::{Side, side};

pub(super) struct Other;

type Map = LwwMap<String, String>;

/// The type that users of the library encode. It contains the entries of a map, since the map has
/// no encoding of its own.
type Entries = HashMap<String, LwwRegister<String>>;

impl Peer for Other {
    fn create(&self, size: usize) -> Option<Side> {
        let values = values(size);
        Some(side(
            move || (values.clone(), Vec::with_capacity(size), replica(1)),
            |(values, registers, replica)| {
                for value in values.drain(..) {
                    registers.push(LwwRegister::new(value, *replica));
                }
            },
        ))
    }

    fn create_as_benchmarked(&self, size: usize) -> Option<Side> {
        let values = values(size);
        Some(side(
            move || (values.clone(), Vec::with_capacity(size)),
            |(values, registers)| {
                for value in values.drain(..) {
                    registers.push(LwwRegister::new(value, ReplicaId::default()));
                }
            },
        ))
    }

    fn merge_registers(&self, size: usize) -> Option<Side> {
        let newer = registers(size);
        Some(side(register, move |register| {
            for other in &newer {
                let _ = register.merge(black_box(other));
            }
        }))
    }

    fn count(&self, size: usize) -> Option<Side> {
        let replica = replica(1);
        Some(side(GCounter::new, move |counter| {
            for _ in 0..size {
                counter.increment(black_box(replica));
            }
        }))
    }

    fn merge_counters(&self, size: usize) -> Option<Side> {
        let (base, newer) = (counter(size, 0), counter(size, 1));
        Some(side(
            move || base.clone(),
            move |counter| drop(counter.merge(black_box(&newer))),
        ))
    }

    fn insert_each(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Map::new(), entries.clone(), replica(1)),
            |(map, entries, replica)| {
                for (key, value) in entries.drain(..) {
                    map.insert(key, value, *replica);
                }
            },
        ))
    }

    fn insert_batch(&self, size: usize) -> Option<Side> {
        self.insert_each(size)
    }

    fn insert_batch_ticking(&self, size: usize) -> Option<Side> {
        self.insert_each(size)
    }

    fn get(&self, size: usize) -> Option<Side> {
        let keys = shuffled_keys(size);
        Some(reads(map(size), keys, |map, key| {
            black_box(map.get(key));
        }))
    }

    fn merge(&self, size: usize) -> Option<Side> {
        let base = map(size);
        let newer = newer_map(&base, size);
        Some(side(
            move || base.clone(),
            move |map| drop(map.merge(black_box(&newer))),
        ))
    }

    fn merge_replica(&self, size: usize) -> Option<Side> {
        // A new map has a different seed, and therefore a different order.
        let (base, mut copy) = (map(size), Map::new());
        let _ = copy.merge(&base);
        let newer = newer_map(&copy, size);
        Some(side(
            move || base.clone(),
            move |map| drop(map.merge(black_box(&newer))),
        ))
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        let mut edits = edits(size);
        Some(evolving(
            map(size),
            move |_| -> Vec<Map> {
                let edits = edits.by_ref().take(CHANGES);
                edits
                    .map(|(key, value)| {
                        let mut update = Map::new();
                        update.insert(key, value, replica(2));
                        update
                    })
                    .collect()
            },
            |map, updates| {
                for update in &updates {
                    let _ = map.merge(black_box(update));
                }
            },
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let state = state(size);
        Some(side(|| (), move |()| bincode::serialize(&state)))
    }

    fn encode_deflated(&self, size: usize) -> Option<Side> {
        let state = state(size);
        Some(side(
            || (),
            move |()| bincode::serialize(&state).map(|bytes| deflated(&bytes)),
        ))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        let bytes = encoded(size);
        Some(side(|| (), move |()| decode(&bytes)))
    }

    fn decode_deflated(&self, size: usize) -> Option<Side> {
        let bytes = deflated(&encoded(size));
        Some(side(|| (), move |()| decode(&inflated(&bytes))))
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

fn encoded(size: usize) -> Vec<u8> {
    bincode::serialize(&state(size)).expect("text can be written")
}

fn decode(bytes: &[u8]) -> Entries {
    let entries: Entries = bincode::deserialize(black_box(bytes)).expect("the bytes are sound");
    black_box(entries.get("key-000000"));
    entries
}

fn replica(id: usize) -> ReplicaId {
    // Spread the ids like the random ids that the library creates itself.
    let spread = (id as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    ReplicaId::from(Uuid::from_u128(spread))
}

/// Returns registers, each of which wins over all previous ones.
fn registers(count: usize) -> Vec<LwwRegister<String>> {
    (1..)
        .zip(values(count))
        .map(|(at, value)| LwwRegister::new(value, replica(2)).with_timestamp(time(at)))
        .collect()
}

fn register() -> LwwRegister<String> {
    LwwRegister::new("item-12345".to_owned(), replica(1)).with_timestamp(time(0))
}

fn map(count: usize) -> Map {
    let mut map = Map::new();
    for (key, value) in entries(count) {
        map.insert(key, value, replica(1));
    }
    map
}

/// Returns a copy of `base` with `count` entries, a tenth of them rewritten by another replica.
fn newer_map(base: &Map, count: usize) -> Map {
    let mut map = base.clone();
    for (key, value) in newer(count) {
        map.insert(key, value, replica(2));
    }
    map
}

/// Returns a counter in which each of `replicas` has incremented once, and every second one `more`
/// additional times.
fn counter(replicas: usize, more: usize) -> GCounter {
    let mut counter = GCounter::new();
    for id in 0..replicas {
        for _ in 0..1 + more * (id % 2) {
            counter.increment(replica(id));
        }
    }
    counter
}

fn state(count: usize) -> Entries {
    entries(count)
        .into_iter()
        .map(|(key, value)| (key, LwwRegister::new(value, replica(1))))
        .collect()
}

fn time(at: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_000_000 + at)
}
