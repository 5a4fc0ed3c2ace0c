use std::hint::black_box;

use leptos_sync_benches::{ours, values};
use leptos_sync_core::{Clock, LwwRegister, ReplicaId};

use super::Work;
use crate::{
    measure::side,
    other::{self, Mergeable},
};

pub(super) const WORKS: &[Work] = &[
    Work {
        name: "registers: create, each with a clock reading",
        ours: |size| {
            let values = values(size);
            side(
                move || {
                    let clock = Clock::system(ReplicaId::new(1));
                    (values.clone(), Vec::with_capacity(size), clock)
                },
                |(values, registers, clock)| {
                    for value in values.drain(..) {
                        registers.push(LwwRegister::<String>::new(value, clock.tick()));
                    }
                },
            )
        },
        other: |size| {
            let values = values(size);
            side(
                move || (values.clone(), Vec::with_capacity(size), other::replica(1)),
                |(values, registers, replica)| {
                    for value in values.drain(..) {
                        registers.push(other::LwwRegister::new(value, *replica));
                    }
                },
            )
        },
    },
    Work {
        name: "registers: merge later writes into one",
        ours: |size| {
            let newer = ours::registers(size);
            side(
                || LwwRegister::<String>::new("item-12345".to_owned(), ours::stamp(0, 1)),
                move |register| {
                    for other in &newer {
                        register.merge(black_box(other));
                    }
                },
            )
        },
        other: |size| {
            let newer = other::registers(size);
            side(other::register, move |register| {
                for other in &newer {
                    let _ = register.merge(black_box(other));
                }
            })
        },
    },
];
