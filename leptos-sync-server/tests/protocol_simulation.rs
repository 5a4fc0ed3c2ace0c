//! The core's simulation of protocol 2, with the relay's log and its answers instead of a model.
//!
//! Each seed determines a history, except for the relay's epochs. `LEPTOS_SYNC_SEEDS` sets the
//! number of seeds or their range, and `LEPTOS_SYNC_SEED` repeats a single one and prints what
//! happened.
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

use replicas::seeds::run_seeds;
use wire::World;

const SEEDS: u64 = 200;

#[test]
fn clients_and_a_log_lose_nothing_and_converge() {
    let test = "leptos-sync-server --test protocol_simulation";
    run_seeds(SEEDS, test, World::new, World::run, World::trace);
}
