//! Pools: taking and returning values and buffers, one after the other.

use std::hint::black_box;

use leptos_sync_core::internal::{BufferPool, Pool};

use crate::group::Harness;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("pools", |group| {
        group.bench(
            "value",
            |size| move || (Pool::<Vec<u8>>::new(4), size),
            |(pool, size)| {
                for _ in 0..*size {
                    drop(black_box(pool.get()));
                }
            },
        );
        group.bench(
            "buffer",
            |size| move || (BufferPool::new(), size),
            |(pool, size)| {
                for _ in 0..*size {
                    drop(black_box(pool.get(black_box(100))));
                }
            },
        );
    });
}
