//! Replicas over a faulty network, in virtual time, compared with an oracle that knows every
//! operation.
//!
//! Each seed determines a history. `LEPTOS_SYNC_SEEDS` sets the number of seeds, and
//! `LEPTOS_SYNC_SEED` repeats a single one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a failed test may panic and prints its seed"
)]

mod model;
mod simulated;

use simulated::World;

const SEEDS: u64 = 1_000;

#[test]
fn replicas_over_a_faulty_network_hold_what_they_saw_and_converge() {
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
