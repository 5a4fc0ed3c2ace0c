//! Sets: adding elements one by one, each with a clock reading and a tag; asking for all elements
//! in random order; removing all of them; and joining a full copy in which a tenth was removed.

use std::{hint::black_box, sync::Arc};

use leptos_sync_benches::{
    newer,
    ours::{self, Set},
    shuffled_keys,
};
use leptos_sync_core::{Clock, Id, ReplicaId};

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("sets", |group| {
        group.bench(
            "insert",
            |size| {
                let elements = shuffled_keys(size);
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (Set::new(), elements.clone(), clock)
                }
            },
            |(set, elements, clock)| {
                for element in elements.drain(..) {
                    set.insert(element, Id::new(), ours::tick(clock));
                }
            },
        );
        group.bench(
            "contains",
            |size| {
                let lent = Arc::new((ours::set(size), shuffled_keys(size)));
                move || Arc::clone(&lent)
            },
            |lent| {
                for element in &lent.1 {
                    black_box(lent.0.contains(black_box(element.as_str())));
                }
            },
        );
        group.bench(
            "remove",
            |size| {
                let (set, elements) = (ours::set(size), Arc::new(shuffled_keys(size)));
                move || (set.clone(), Arc::clone(&elements))
            },
            |(set, elements)| {
                for element in elements.iter() {
                    set.remove(element, ours::stamp(1, 2));
                }
            },
        );
        group.bench(
            "merge",
            |size| {
                let base = ours::set(size);
                let mut changed = base.clone();
                for (element, _) in newer(size) {
                    changed.remove(&element, ours::stamp(1, 2));
                }
                let changed = Arc::new(changed);
                move || (base.clone(), Arc::clone(&changed))
            },
            |(set, changed)| set.merge(changed),
        );
    });
}
