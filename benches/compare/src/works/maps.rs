use std::hint::black_box;

use leptos_sync_benches::{
    entries,
    ours::{self, Map},
    shuffled_keys,
};
use leptos_sync_core::{Clock, ReplicaId};

use super::Work;
use crate::{
    measure::{Side, side},
    other::{self, Mergeable},
};

pub(super) const WORKS: &[Work] = &[
    Work {
        name: "maps: insert, each with a clock reading",
        ours: |size| {
            let entries = entries(size);
            side(
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (Map::new(), entries.clone(), clock)
                },
                |(map, entries, clock)| {
                    for (key, value) in entries.drain(..) {
                        map.insert(key, value, clock.tick());
                    }
                },
            )
        },
        other: insert_in_other,
    },
    Work {
        name: "maps: insert_batch, one clock reading (other: each)",
        ours: |size| {
            let entries = entries(size);
            side(
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (Map::new(), entries.clone(), clock)
                },
                |(map, entries, clock)| map.insert_batch(entries.drain(..), clock.tick()),
            )
        },
        other: insert_in_other,
    },
    Work {
        name: "maps: insert_batch, each with a clock reading",
        ours: |size| {
            let entries = entries(size);
            side(
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (Map::new(), entries.clone(), clock)
                },
                |(map, entries, clock)| {
                    let stamp = clock.tick();
                    // The transaction needs one; the others are read because the other library reads them.
                    for _ in 1..entries.len() {
                        black_box(clock.tick());
                    }
                    map.insert_batch(entries.drain(..), stamp)
                },
            )
        },
        other: insert_in_other,
    },
    Work {
        name: "maps: get all in random order",
        ours: |size| {
            let (map, keys) = (ours::map(size), shuffled_keys(size));
            side(
                || (),
                move |()| {
                    for key in &keys {
                        black_box(map.get(black_box(key)));
                    }
                },
            )
        },
        other: |size| {
            let (map, keys) = (other::map(size), shuffled_keys(size));
            side(
                || (),
                move |()| {
                    for key in &keys {
                        black_box(map.get(black_box(key)));
                    }
                },
            )
        },
    },
    Work {
        name: "maps: merge a full copy, a tenth newer",
        ours: |size| {
            let base = ours::map(size);
            let newer = ours::newer_map(&base, size);
            side(
                move || base.clone(),
                move |map| map.merge(black_box(&newer)),
            )
        },
        other: |size| {
            let base = other::map(size);
            let newer = other::newer_map(&base, size);
            side(
                move || base.clone(),
                move |map| drop(map.merge(black_box(&newer))),
            )
        },
    },
];

fn insert_in_other(size: usize) -> Side {
    let entries = entries(size);
    side(
        move || (other::Map::new(), entries.clone(), other::replica(1)),
        |(map, entries, replica)| {
            for (key, value) in entries.drain(..) {
                map.insert(key, value, *replica);
            }
        },
    )
}
