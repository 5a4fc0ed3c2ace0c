//! Replicas and a relay that exchange the frames of protocol 2, with connections that are cut at
//! any frame, disks and a relay that go back in time, clocks that jump, users who may only read,
//! and rejected edits.
//!
//! Each seed determines a history. `LEPTOS_SYNC_SEEDS` sets the number of seeds or their range, and
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

use replicas::seeds::run_seeds;
use wire::World;

const SEEDS: u64 = 300;

#[test]
fn replicas_that_exchange_frames_lose_nothing_and_converge() {
    let test = "leptos-sync-core --test protocol_simulation";
    run_seeds(SEEDS, test, World::new, World::run, World::trace);
}
