//! Maps: writing single entries, each with a clock reading; writing all entries in one transaction;
//! reading all entries in random order; and joining a full copy of which a tenth is newer.

use std::hint::black_box;

use leptos_sync_benches::{
    entries,
    ours::{self, Map},
    shuffled_keys,
};
use leptos_sync_core::{Clock, ReplicaId};

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("maps", |group| {
        group.bench(
            "insert",
            |size| {
                let entries = entries(size);
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (Map::new(), entries.clone(), clock)
                }
            },
            |(map, entries, clock)| {
                for (key, value) in entries.drain(..) {
                    map.insert(key, value, ours::tick(clock));
                }
            },
        );
        group.bench(
            "insert_batch",
            |size| {
                let entries = entries(size);
                move || (Map::new(), entries.clone())
            },
            |(map, entries)| map.insert_batch(entries.drain(..), ours::stamp(0, 1)),
        );
        group.bench(
            "get",
            |size| {
                let (map, keys) = (ours::map(size), shuffled_keys(size));
                // All runs share the inputs that are only read.
                let lent = std::sync::Arc::new((map, keys));
                move || std::sync::Arc::clone(&lent)
            },
            |lent| {
                for key in &lent.1 {
                    black_box(lent.0.get(black_box(key.as_str())));
                }
            },
        );
        group.bench(
            "merge",
            |size| {
                let base = ours::map(size);
                let newer = std::sync::Arc::new(ours::newer_map(&base, size));
                move || (base.clone(), std::sync::Arc::clone(&newer))
            },
            |(map, newer)| map.merge(newer),
        );
    });
}
