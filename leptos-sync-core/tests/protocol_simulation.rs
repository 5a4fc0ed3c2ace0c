//! Replicas and a relay that exchange the frames of protocol 2, with connections that are cut at
//! any frame, disks and a relay that go back in time, clocks that jump, users who may only read,
//! and rejected edits.
//!
//! Each seed determines a history. `LEPTOS_SYNC_SEEDS` sets the number of seeds, and
//! `LEPTOS_SYNC_SEED` repeats a single one and prints what happened.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may panic and prints its seed"
)]
#![allow(
    dead_code,
    unused_imports,
    reason = "this test uses a part of the other simulation"
)]

mod common;
mod replicas;
mod wire;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use wire::World;

const SEEDS: u64 = 300;

#[test]
fn replicas_that_exchange_frames_lose_nothing_and_converge() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().unwrap());
    let single: Option<u64> = number("LEPTOS_SYNC_SEED");
    let seeds = match single {
        Some(seed) => seed..seed + 1,
        None => 0..number("LEPTOS_SYNC_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        let mut world = World::new(seed, single.is_some());
        let run = catch_unwind(AssertUnwindSafe(|| world.run()));
        if let Err(panic) = run {
            world.trace().iter().for_each(|line| eprintln!("{line}"));
            eprintln!(
                "LEPTOS_SYNC_SEED={seed} cargo test -p leptos-sync-core --test protocol_simulation"
            );
            resume_unwind(panic);
        }
    }
}
