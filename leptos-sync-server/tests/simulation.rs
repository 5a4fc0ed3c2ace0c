//! Replicas with storage, a relay and a faulty network, in virtual time. A seed determines a whole
//! run: `LEPTOS_SYNC_SEED=17 cargo test -p leptos-sync-server --test simulation` repeats it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic"
)]

mod simulated;

use std::{rc::Rc, time::Duration};

use simulated::{network::Faults, replica::DRIFT_MS, world::World};
use tokio::{runtime::Builder, task::LocalSet, time::sleep};

/// The number of seeds, unless `LEPTOS_SYNC_SEEDS` sets it.
const SEEDS: u64 = 1_000;

#[test]
fn no_acknowledged_edit_is_lost_and_all_replicas_converge() {
    let mut sum = Seen::default();
    for seed in simulated::seeds(SEEDS) {
        // The harness prints this only on failure.
        println!("LEPTOS_SYNC_SEED={seed}");
        let seen = run(seed);
        sum.acknowledgements += seen.acknowledgements;
        sum.refused += seen.refused;
        sum.restamped += seen.restamped;
    }
    println!("{sum:?}");
}

#[derive(Default, Debug)]
struct Seen {
    acknowledgements: usize,
    refused: usize,
    restamped: usize,
}

fn run(seed: u64) -> Seen {
    let runtime = Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, async move {
        let random = simulated::Random::new(!seed);
        let replicas = 3 + random.below(6) as usize;
        let skews: Vec<i64> = (0..replicas)
            .map(|_| match random.below(8) {
                0 => 86_400_000,
                1 => -86_400_000,
                2 => DRIFT_MS + 1_000,
                _ => random.below(60_000) as i64 - 30_000,
            })
            .collect();
        let world = World::new(seed, random.chance(50), &skews);
        for _ in 0..random.below(120) + 20 {
            step(&world).await;
            world.crew.check();
        }
        heal(&world);
        sleep(Duration::from_secs(30)).await;
        world.crew.check_quiet();
        let journal = world.crew.journal.borrow();
        Seen {
            acknowledgements: journal.acknowledgements(),
            refused: journal.refused,
            restamped: journal.restamped,
        }
    })
}

/// Performs a random event and lets some time pass.
async fn step(world: &Rc<World>) {
    let crew = &world.crew;
    let random = &crew.random;
    let at = random.below(crew.replicas.len() as u64) as usize;
    let state = &crew.replicas[at].state.0;
    match random.below(100) {
        0..55 => crew.edit(at),
        55..60 => world.cut(at),
        60..65 => world.set_offline(at, true),
        65..72 => world.set_offline(at, false),
        72..76 => world.crash(at),
        76..80 => state.borrow_mut().sync(),
        80..82 => state.borrow_mut().compact(),
        82..85 => world.kill_relay(),
        85..90 => world.start_relay(),
        90..92 => {
            let by = random.below(4_000_000) as i64 - 2_000_000;
            state.borrow_mut().jump(by);
        }
        92..94 => world.forget_tombstones(5_000),
        94..97 => world.faults.set(Faults {
            lost: random.below(4),
            twice: random.below(4),
            overtaken: random.below(4),
        }),
        _ => world.faults.set(Faults::default()),
    }
    let ms = match random.below(4) {
        0 => 0,
        1 => random.below(50),
        2 => random.below(500),
        _ => random.below(5_000),
    };
    sleep(Duration::from_millis(ms)).await;
}

/// Repairs the network and the relay.
fn heal(world: &Rc<World>) {
    world.faults.set(Faults::default());
    world.start_relay();
    for at in 0..world.crew.replicas.len() {
        world.set_offline(at, false);
        world.cut(at);
    }
}
