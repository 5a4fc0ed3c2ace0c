//! The data as the other library's types, made with its public interface.

use std::{collections::HashMap, io::Write};

use chrono::{DateTime, TimeDelta, Utc};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use leptos_sync_benches::{entries, newer, values};
pub(crate) use other::crdt::{GCounter, LwwMap, LwwRegister, Mergeable, ReplicaId};
use uuid::Uuid;

pub(crate) type Map = LwwMap<String, String>;

/// What its users encode: the entries of a map, which has no bytes of its own.
pub(crate) type Entries = HashMap<String, LwwRegister<String>>;

pub(crate) fn replica(id: usize) -> ReplicaId {
    // Spread like the random ids that it makes by itself.
    let spread = (id as u128 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    ReplicaId::from(Uuid::from_u128(spread))
}

/// Registers of which each wins over those before.
pub(crate) fn registers(count: usize) -> Vec<LwwRegister<String>> {
    (1..)
        .zip(values(count))
        .map(|(at, value)| LwwRegister::new(value, replica(2)).with_timestamp(time(at)))
        .collect()
}

pub(crate) fn register() -> LwwRegister<String> {
    LwwRegister::new("item-12345".to_owned(), replica(1)).with_timestamp(time(0))
}

pub(crate) fn map(count: usize) -> Map {
    let mut map = Map::new();
    for (key, value) in entries(count) {
        map.insert(key, value, replica(1));
    }
    map
}

/// A copy of `base`, which has `count` entries, a tenth of them written again by another replica.
pub(crate) fn newer_map(base: &Map, count: usize) -> Map {
    let mut map = base.clone();
    for (key, value) in newer(count) {
        map.insert(key, value, replica(2));
    }
    map
}

/// A counter in which each of `replicas` has counted once; every second one `more` times besides.
pub(crate) fn counter(replicas: usize, more: usize) -> GCounter {
    let mut counter = GCounter::new();
    for id in 0..replicas {
        for _ in 0..1 + more * (id % 2) {
            counter.increment(replica(id));
        }
    }
    counter
}

pub(crate) fn state(count: usize) -> Entries {
    entries(count)
        .into_iter()
        .map(|(key, value)| (key, LwwRegister::new(value, replica(1))))
        .collect()
}

pub(crate) fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

pub(crate) fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut inflated = Vec::new();
    // What was deflated above inflates.
    let _ = std::io::Read::read_to_end(&mut DeflateDecoder::new(bytes), &mut inflated);
    inflated
}

fn time(at: i64) -> DateTime<Utc> {
    DateTime::<Utc>::UNIX_EPOCH + TimeDelta::milliseconds(1_700_000_000_000 + at)
}
