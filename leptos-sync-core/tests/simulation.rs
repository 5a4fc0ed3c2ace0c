//! Replicas over a bad network, in virtual time, against an oracle that keeps every operation.
//!
//! Each seed is a history of its own. `LEPTOS_SYNC_SEEDS` runs more of them, `LEPTOS_SYNC_SEED` runs one again.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may panic, and says which seed it was"
)]

mod model;
mod simulated;

use simulated::World;

const SEEDS: u64 = 1_000;

#[test]
fn replicas_over_a_bad_network_hold_what_they_saw_and_end_equal() {
    let number = |name| std::env::var(name).ok().map(|value| value.parse().unwrap());
    let seeds = match number("LEPTOS_SYNC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LEPTOS_SYNC_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(panic) = std::panic::catch_unwind(|| World::new(seed).run()) {
            eprintln!("LEPTOS_SYNC_SEED={seed} cargo test -p leptos-sync-core --test simulation");
            std::panic::resume_unwind(panic);
        }
    }
}
