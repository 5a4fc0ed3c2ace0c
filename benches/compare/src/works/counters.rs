use std::hint::black_box;

use leptos_sync_benches::ours;
use leptos_sync_core::GCounter;

use super::Work;
use crate::{
    measure::side,
    other::{self, Mergeable},
};

pub(super) const WORKS: &[Work] = &[
    Work {
        name: "counters: increment",
        ours: |size| {
            side(GCounter::new, move |counter| {
                for _ in 0..size {
                    // Counts this small cannot overflow.
                    let _ = counter.increment(1, black_box(ours::stamp(0, 1)));
                }
            })
        },
        other: |size| {
            let replica = other::replica(1);
            side(other::GCounter::new, move |counter| {
                for _ in 0..size {
                    counter.increment(black_box(replica));
                }
            })
        },
    },
    Work {
        name: "counters: merge as many replicas, half newer",
        ours: |size| {
            let (base, newer) = (ours::counter(size, 0), ours::counter(size, 1));
            side(
                move || base.clone(),
                move |counter| counter.merge(black_box(&newer)),
            )
        },
        other: |size| {
            let (base, newer) = (other::counter(size, 0), other::counter(size, 1));
            side(
                move || base.clone(),
                move |counter| drop(counter.merge(black_box(&newer))),
            )
        },
    },
];
