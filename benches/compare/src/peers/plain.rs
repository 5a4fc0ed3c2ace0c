//! Hand-written structs and hash tables: the minimum cost of the work, without deltas, versions or
//! checks.

use std::{any::Any, hint::black_box};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use leptos_sync_benches::{edits, entries, newer, shuffled_entries, shuffled_keys, values};
use leptos_sync_core::clock::{SystemTime, TimeSource};
use serde::{Deserialize, Serialize};

use super::{CHANGES, Peer, amount, deflated, evolving, reads};
use crate::measure::{Side, side};

pub(super) struct Plain;

/// A value with the time and the id of its writer.
#[derive(Clone, Serialize, Deserialize)]
struct Stamped<T> {
    value: T,
    stamp: (u64, u64),
}

type Map = HashMap<String, Stamped<String>, FixedState>;

impl Peer for Plain {
    fn create(&self, size: usize) -> Option<Side> {
        let values = values(size);
        Some(side(
            move || (values.clone(), Vec::with_capacity(size)),
            |(values, registers)| {
                for value in values.drain(..) {
                    let stamp = (SystemTime.now_ms(), 1);
                    registers.push(Stamped { value, stamp });
                }
            },
        ))
    }

    fn merge_registers(&self, size: usize) -> Option<Side> {
        let newer: Vec<_> = (1..)
            .zip(values(size))
            .map(|(at, value)| stamped(value, at, 2))
            .collect();
        Some(side(
            || stamped("item-12345".to_owned(), 0, 1),
            move |register| {
                for other in &newer {
                    join(register, black_box(other));
                }
            },
        ))
    }

    fn count(&self, size: usize) -> Option<Side> {
        Some(side(counter, move |counts| {
            for _ in 0..size {
                let (replica, time) = black_box((1, 1));
                let count = counts.entry(replica).or_insert(stamped(0, 0, replica));
                count.value += 1;
                count.stamp.0 = time;
            }
        }))
    }

    fn merge_counters(&self, size: usize) -> Option<Side> {
        let (base, newer) = (counted(size, 0), counted(size, 1));
        Some(side(
            move || base.clone(),
            move |counts| {
                for (replica, other) in black_box(&newer) {
                    let count = counts.entry(*replica).or_insert(other.clone());
                    if other.value > count.value {
                        *count = other.clone();
                    }
                }
            },
        ))
    }

    fn insert_batch(&self, size: usize) -> Option<Side> {
        let entries = entries(size);
        Some(side(
            move || (Map::default(), entries.clone()),
            |(map, entries)| fill(map, entries.drain(..)),
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
        Some(merge(base.clone(), base, size))
    }

    fn merge_replica(&self, size: usize) -> Option<Side> {
        // Use a different seed, which results in a different order.
        let mut full = Map::with_hasher(FixedState::with_seed(1));
        fill(&mut full, shuffled_entries(size).into_iter());
        Some(merge(map(size), full, size))
    }

    fn apply_updates(&self, size: usize) -> Option<Side> {
        let mut edits = (1..).zip(edits(size));
        Some(evolving(
            map(size),
            move |_| -> Vec<Vec<u8>> {
                let edits = edits.by_ref().take(CHANGES);
                edits
                    .map(|(at, (key, value))| {
                        let update = (key, stamped(value, at, 2));
                        bincode::serialize(&update).expect("text can be written")
                    })
                    .collect()
            },
            |map, updates| {
                for bytes in &updates {
                    let update = bincode::deserialize(black_box(bytes));
                    let (key, other): (String, _) = update.expect("the bytes are sound");
                    match map.get_mut(&key) {
                        Some(entry) => join(entry, &other),
                        None => drop(map.insert(key, other)),
                    }
                }
            },
        ))
    }

    fn encode(&self, size: usize) -> Option<Side> {
        let map = map(size);
        Some(side(|| (), move |()| bincode::serialize(&map)))
    }

    fn decode(&self, size: usize) -> Option<Side> {
        let bytes = bincode::serialize(&map(size)).expect("text can be written");
        Some(side(
            || (),
            move |()| {
                let map = bincode::deserialize::<Map>(black_box(&bytes));
                let map = map.expect("the bytes are sound");
                black_box(map.get("key-000000"));
                map
            },
        ))
    }

    fn bytes(&self, size: usize) -> Option<f64> {
        let bytes = bincode::serialize(&map(size)).expect("text can be written");
        Some(amount(bytes.len()))
    }

    fn bytes_deflated(&self, size: usize) -> Option<f64> {
        let bytes = bincode::serialize(&map(size)).expect("text can be written");
        Some(amount(deflated(&bytes).len()))
    }

    fn held(&self, size: usize) -> Option<Box<dyn Any>> {
        Some(Box::new(map(size)))
    }
}

fn stamped<T>(value: T, time: u64, replica: u64) -> Stamped<T> {
    let stamp = (1_700_000_000_000 + time, replica);
    Stamped { value, stamp }
}

/// Merges `full` after a tenth of it was rewritten.
fn merge(base: Map, mut full: Map, size: usize) -> Side {
    for (at, (key, value)) in (1..).zip(newer(size)) {
        full.insert(key, stamped(value, at, 2));
    }
    side(
        move || base.clone(),
        move |map| {
            for (key, other) in black_box(&full) {
                match map.get_mut(key) {
                    Some(entry) => join(entry, other),
                    None => drop(map.insert(key.clone(), other.clone())),
                }
            }
        },
    )
}

/// Keeps the later write, and reuses the allocation of the earlier one.
fn join(ours: &mut Stamped<String>, theirs: &Stamped<String>) {
    if theirs.stamp > ours.stamp {
        ours.value.clone_from(&theirs.value);
        ours.stamp = theirs.stamp;
    }
}

fn map(size: usize) -> Map {
    let mut map = Map::default();
    fill(&mut map, entries(size).into_iter());
    map
}

fn fill(map: &mut Map, entries: impl Iterator<Item = (String, String)>) {
    map.reserve(entries.size_hint().0);
    for (key, value) in entries {
        map.insert(key, stamped(value, 0, 1));
    }
}

fn counter() -> HashMap<u64, Stamped<u64>, FixedState> {
    HashMap::default()
}

/// Returns a counter in which each of `replicas` has incremented once, and every second one `more`
/// additional times.
fn counted(replicas: usize, more: u64) -> HashMap<u64, Stamped<u64>, FixedState> {
    let mut counts = counter();
    for replica in 0..replicas as u64 {
        let count = 1 + more * (replica % 2);
        counts.insert(replica, stamped(count, count, replica));
    }
    counts
}
