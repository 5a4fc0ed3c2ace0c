//! Registers: creating them, each with a clock reading, and merging later writes into one.

use std::hint::black_box;

use leptos_sync_benches::{ours, values};
use leptos_sync_core::{Clock, LwwRegister, ReplicaId};

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("registers", |group| {
        group.bench(
            "create",
            |size| {
                let values = values(size);
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (values.clone(), Vec::with_capacity(size), clock)
                }
            },
            |(values, registers, clock)| {
                for value in values.drain(..) {
                    registers.push(LwwRegister::<String>::new(value, ours::tick(clock)));
                }
            },
        );
        group.bench(
            "merge",
            |size| {
                let newer = ours::registers(size);
                move || {
                    let register = LwwRegister::new("item-12345".to_owned(), ours::stamp(0, 1));
                    (register, newer.clone())
                }
            },
            |(register, newer)| {
                for other in newer {
                    register.merge(black_box(other));
                }
            },
        );
    });
}
