//! Replicas, a network and a relay in virtual time. A seed determines everything that happens.
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod crew;
mod drive;
pub(crate) mod journal;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod replica;
pub(crate) mod world;

use std::{
    cell::Cell,
    env,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use leptos_sync_core::clock::TimeSource;

/// The wall clock at the start of a run.
pub(crate) const START_MS: u64 = 1_700_000_000_000;

/// Returns the seeds of a test: those that the environment sets, or the default number of seeds.
pub(crate) fn seeds(usual: u64) -> Range<u64> {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    match number("LEPTOS_SYNC_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("LEPTOS_SYNC_SEEDS").unwrap_or(usual),
    }
}

/// The random numbers of a run: SplitMix64.
pub(crate) struct Random(Cell<u64>);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Cell::new(
            seed.wrapping_mul(0x2545_f491_4f6c_dd1d).wrapping_add(1),
        ))
    }

    pub(crate) fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// A function that returns the virtual time since the start of the run in milliseconds.
pub(crate) type Elapsed = Arc<dyn Fn() -> u64 + Send + Sync>;

/// A wall clock that follows virtual time with an adjustable error.
#[derive(Clone)]
pub(crate) struct WallClock {
    elapsed: Elapsed,
    skew_ms: Arc<AtomicI64>,
}

impl WallClock {
    pub(crate) fn new(elapsed: Elapsed, skew_ms: i64) -> Self {
        Self {
            elapsed,
            skew_ms: Arc::new(AtomicI64::new(skew_ms)),
        }
    }

    pub(crate) fn set_skew_ms(&self, skew_ms: i64) {
        self.skew_ms.store(skew_ms, Ordering::Relaxed);
    }

    pub(crate) fn add_skew_ms(&self, by: i64) {
        self.skew_ms.fetch_add(by, Ordering::Relaxed);
    }
}

impl TimeSource for WallClock {
    fn now_ms(&self) -> u64 {
        let right_ms = START_MS + (self.elapsed)();
        right_ms.saturating_add_signed(self.skew_ms.load(Ordering::Relaxed))
    }
}
