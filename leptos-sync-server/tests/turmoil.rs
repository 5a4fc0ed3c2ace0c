//! The real router with axum and hyper on a host that crashes, and replicas on other hosts. They
//! exchange WebSocket messages over a slow and faulty network, in virtual time. A seed determines a
//! whole run: `LEPTOS_SYNC_SEED=17 cargo test -p leptos-sync-server --test turmoil` repeats
//! it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a failed test may panic"
)]

mod cluster;
mod simulated;

use std::rc::Rc;

use cluster::{Cluster, SILENCE_MS};
use simulated::replica::DRIFT_MS;

/// The number of seeds, unless `LEPTOS_SYNC_SEEDS` sets it.
const SEEDS: u64 = 200;

/// The time until all replicas converge after the repairs, in milliseconds. It covers the detection
/// of dead connections and the longest reconnection delay.
const HEALED_MS: u64 = 30_000;

/// The time in milliseconds after that in which the replicas must send nothing but pings.
const QUIET_MS: u64 = 6_000;

#[test]
fn crashes_and_faults_lose_no_acknowledged_edit_and_replicas_converge() {
    let mut sum = Seen::default();
    for seed in simulated::seeds(SEEDS) {
        // The harness prints this only on failure.
        println!("LEPTOS_SYNC_SEED={seed}");
        let seen = run(seed);
        sum.acknowledgements += seen.acknowledgements;
        sum.restamped += seen.restamped;
        sum.frames += seen.frames;
        sum.crashes += seen.crashes;
        sum.healed_ms = sum.healed_ms.max(seen.healed_ms);
    }
    println!("{sum:?}");
}

#[test]
fn a_seed_determines_the_whole_run() {
    for seed in 0..3 {
        assert_eq!(run(seed), run(seed), "LEPTOS_SYNC_SEED={seed}");
    }
}

#[derive(Default, Debug, PartialEq)]
struct Seen {
    acknowledgements: usize,
    restamped: usize,
    frames: usize,
    crashes: usize,
    healed_ms: u64,
}

fn run(seed: u64) -> Seen {
    let random = simulated::Random::new(!seed);
    let skews: Vec<i64> = (0..2 + random.below(4))
        .map(|_| match random.below(8) {
            0 => 86_400_000,
            1 => -86_400_000,
            2 => DRIFT_MS + 1_000,
            _ => random.below(60_000) as i64 - 30_000,
        })
        .collect();
    let mut cluster = Cluster::new(seed, random.chance(30), &skews);
    let mut seen = Seen::default();
    for _ in 0..random.below(80) + 20 {
        seen.crashes += usize::from(step(&mut cluster));
        cluster.crew.check();
    }
    cluster.heal();
    let healed = cluster.crew.now_ms();
    while !cluster.crew.is_quiet() && cluster.crew.now_ms() < healed + HEALED_MS {
        cluster.run(500);
    }
    cluster.crew.check_quiet();
    seen.healed_ms = cluster.crew.now_ms() - healed;
    // A replica may still detect a dead connection and reconnect. Apart from that, no replica has
    // anything to send.
    let pings = QUIET_MS / u64::from(SILENCE_MS / 3) + 1;
    let most = 2 * pings as usize * skews.len();
    loop {
        let before = cluster.crew.frames.get();
        cluster.run(QUIET_MS);
        let said = cluster.crew.frames.get() - before;
        if said <= most {
            break;
        }
        let since = cluster.crew.now_ms() - healed;
        assert!(
            since <= HEALED_MS + QUIET_MS,
            "{said} frames were sent, time requests account for {most}"
        );
    }
    cluster.crew.check_quiet();
    let journal = cluster.crew.journal.borrow();
    seen.acknowledgements = journal.acknowledgements();
    seen.restamped = journal.restamped;
    seen.frames = cluster.crew.frames.get();
    seen
}

/// Performs a random event and lets some time pass. Returns whether a process crashed.
fn step(cluster: &mut Cluster) -> bool {
    let crew = Rc::clone(&cluster.crew);
    let random = &crew.random;
    let at = random.below(crew.replicas.len() as u64) as usize;
    let state = &crew.replicas[at].state.0;
    let mut crashed = false;
    match random.below(100) {
        0..50 => crew.edit(at),
        50..55 => cluster.hold(at),
        55..58 => cluster.part(at),
        58..61 => cluster.part_oneway(at, random.chance(50)),
        61..70 => cluster.mend(at),
        70..73 => cluster.set_latency_ms(at, random.below(800) + 2),
        73..76 => crashed = cluster.crash(at),
        76..79 => cluster.start(at),
        79..82 => state.borrow_mut().sync(),
        82..84 => state.borrow_mut().compact(),
        84..88 => crashed = cluster.crash_relay(),
        88..95 => cluster.start_relay(),
        95..97 => state
            .borrow_mut()
            .jump(random.below(4_000_000) as i64 - 2_000_000),
        _ => crew.forget_tombstones(5_000),
    }
    let ms = match random.below(4) {
        0 => 0,
        1 => random.below(100),
        2 => random.below(500),
        _ => random.below(3_000),
    };
    cluster.run(ms);
    crashed
}
