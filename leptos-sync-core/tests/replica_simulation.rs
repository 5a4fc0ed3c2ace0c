//! Replicas that are exchanged by positions, with disks and a relay that go back in time, clocks
//! that jump, lost answers and rejected edits.
//!
//! Each seed determines a history. `LEPTOS_SYNC_SEEDS` sets the number of seeds or their range, and
//! `LEPTOS_SYNC_SEED` repeats a single one and prints what happened.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may panic and prints its seed"
)]

mod common;
mod replicas;

use replicas::{World, seeds::run_seeds};

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
    let test = if shares { "tabs" } else { "replicas" };
    let test = format!("leptos-sync-core --test replica_simulation {test}");
    let world = |seed, traces| World::new(seed, shares, traces);
    run_seeds(seeds, &test, world, World::run, World::trace);
}
