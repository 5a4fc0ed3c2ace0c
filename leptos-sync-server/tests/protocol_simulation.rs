//! The core's simulation of protocol 2, with the relay's log and its answers instead of a model.
//!
//! Each seed determines a history, except for the relay's epochs. `LEPTOS_SYNC_SEEDS` sets the
//! number of seeds, and `LEPTOS_SYNC_SEED` repeats a single one and prints what happened.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may panic and prints its seed; it uses a part of the core's simulation"
)]

mod replicas;
mod wire;

/// What the core's simulation needs of its helpers.
mod common {
    pub(crate) use futures::executor::block_on as now;
}

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use wire::World;

const SEEDS: u64 = 200;

#[test]
fn clients_and_a_log_lose_nothing_and_converge() {
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
                "LEPTOS_SYNC_SEED={seed} cargo test -p leptos-sync-server --test protocol_simulation"
            );
            resume_unwind(panic);
        }
    }
}
