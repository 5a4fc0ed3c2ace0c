//! Counters: a replica that increments, and a join of two counters of many replicas, half of which
//! have incremented since.

use std::{hint::black_box, sync::Arc};

use leptos_sync_benches::ours;
use leptos_sync_core::GCounter;

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("counters", |group| {
        group.bench(
            "increment",
            |size| move || (GCounter::new(), size),
            |(counter, size)| {
                for _ in 0..*size {
                    // Such small counts cannot overflow.
                    let _ = black_box(counter.increment(1, black_box(ours::stamp(0, 1))));
                }
            },
        );
        group.bench(
            "merge",
            |size| {
                let (base, newer) = (ours::counter(size, 0), Arc::new(ours::counter(size, 1)));
                move || (base.clone(), Arc::clone(&newer))
            },
            |(counter, newer)| counter.merge(newer),
        );
    });
}
