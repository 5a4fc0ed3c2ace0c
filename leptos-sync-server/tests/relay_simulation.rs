//! The real relay with clients in virtual time: connections that are cut, clients that receive
//! nothing for a while, a log whose answers are delayed, and a relay that is restarted and restored
//! from backups.
//!
//! `LEPTOS_SYNC_SEEDS` sets the number of runs, and `LEPTOS_SYNC_SEED` repeats one.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic, and prints its seed"
)]

mod boards;
mod common;
mod town;

use std::{env, ops::Range, time::Duration};

use boards::setting;
use tokio::task::LocalSet;
use town::{Member, PATIENCE, Town};

/// The number of runs.
const SEEDS: u64 = 60;

/// The number of random events in a run.
const EVENTS: Range<u64> = 20..120;

/// The number of rounds at the end of a run.
const ROUNDS: usize = 12;

/// The time in which most clients have connected again, in milliseconds.
const RECONNECTS_MS: u64 = 600;

/// The time in which an edit is everywhere if all is well, with the delay of a client that
/// reconnects.
const SOON: Duration = Duration::from_secs(20);

#[test]
fn clients_converge_and_no_edit_is_lost() {
    let seeds = match env::var("LEPTOS_SYNC_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 0..setting("LEPTOS_SYNC_SEEDS", SEEDS),
    };
    for seed in seeds {
        // The harness prints this only on failure.
        println!("LEPTOS_SYNC_SEED={seed}");
        in_virtual_time(run(seed));
    }
}

/// Runs a future whose timers fire as soon as nothing else can happen.
fn in_virtual_time<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, future)
}

async fn run(seed: u64) {
    let mut town = Town::new(seed);
    let events = town.random.within(EVENTS);
    for _ in 0..events {
        step(&mut town);
        let pause = match town.random.below(4) {
            0 => 0,
            1 => town.random.below(20),
            2 => town.random.below(500),
            _ => town.random.below(5_000),
        };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    town.heal();
    town.until("all edits to be everywhere", PATIENCE, Town::is_settled)
        .await;
    town.check();
    // Clients that connect while others edit miss nothing, although no later edit shows them a gap.
    for _ in 0..ROUNDS {
        town.clients[1..].iter().for_each(Member::cut);
        let pause = town.random.below(RECONNECTS_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        town.insert_unique(0);
        town.until("the edits of a round", SOON, Town::is_settled)
            .await;
    }
    // Live clients receive an edit without asking for it.
    town.insert_unique(0);
    town.until("a last edit", SOON, Town::is_settled).await;
    town.check();
}

/// Makes something happen.
fn step(town: &mut Town) {
    let at = town.random.below(town.clients.len() as u64) as usize;
    match town.random.below(100) {
        0..30 => town.insert_unique(at),
        30..40 => (0..town.random.within(2..40)).for_each(|_| town.insert_unique(at)),
        40..55 => town.insert_shared(at),
        55..62 => town.remove_shared(at),
        62..70 => town.clients[at].cut(),
        70..75 => town.clients[at].sleep(true),
        75..82 => town.clients[at].sleep(false),
        82..86 => town.clients[at].go_offline(true),
        86..92 => town.clients[at].go_offline(false),
        92..95 => town.restart(),
        95 => town.back_up(),
        96 => town.restore(),
        97 => town.forget(),
        _ => town.replace(at),
    }
}
