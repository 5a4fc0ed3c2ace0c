//! Replicas that are exchanged by positions, with disks and a relay that go back in time, clocks
//! that jump, lost answers and rejected edits.
//!
//! Each seed determines a history. `LEPTOS_SYNC_SEEDS` sets the number of seeds, and
//! `LEPTOS_SYNC_SEED` repeats a single one and prints what happened.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may panic and prints its seed"
)]

mod common;
mod replicas;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use replicas::World;

const SEEDS: u64 = 2_000;

#[test]
fn replicas_lose_nothing_when_disks_relays_and_clocks_go_back() {
    run(SEEDS, false);
}

/// The tabs of a browser share a database, and each exchanges the document by itself.
#[test]
fn tabs_that_share_a_database_lose_nothing_either() {
    run(SEEDS / 2, true);
}

fn run(seeds: u64, shares: bool) {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().unwrap());
    let single: Option<u64> = number("LEPTOS_SYNC_SEED");
    let seeds = match single {
        Some(seed) => seed..seed + 1,
        None => 0..number("LEPTOS_SYNC_SEEDS").unwrap_or(seeds),
    };
    for seed in seeds {
        let mut world = World::new(seed, shares, single.is_some());
        let run = catch_unwind(AssertUnwindSafe(|| world.run()));
        if let Err(panic) = run {
            world.trace().iter().for_each(|line| eprintln!("{line}"));
            let test = if shares { "tabs" } else { "replicas" };
            eprintln!(
                "LEPTOS_SYNC_SEED={seed} cargo test -p leptos-sync-core --test replica_simulation {test}"
            );
            resume_unwind(panic);
        }
    }
}
