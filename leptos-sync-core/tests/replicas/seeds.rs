//! The seeds of a simulation.

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Runs the world of each seed. Fails at the end if some runs have panicked, and lists their seeds.
/// `test` names the test that repeats a run.
///
/// `LEPTOS_SYNC_SEED` is a single seed, whose trace is printed. `LEPTOS_SYNC_SEEDS` is the number
/// of seeds or a range such as `1000..2000`. By default, there are `count` seeds.
pub(crate) fn run_seeds<W>(
    count: u64,
    test: &str,
    world: impl Fn(u64, bool) -> W,
    run: fn(&mut W),
    trace: fn(&W) -> &[String],
) {
    let number = |text: &str| -> u64 { text.parse().unwrap() };
    let set = |name| std::env::var(name).ok();
    let single = set("LEPTOS_SYNC_SEED").as_deref().map(number);
    let range = |text: &str| -> Range<u64> {
        match text.split_once("..") {
            Some((first, end)) => number(first)..number(end),
            None => 0..number(text),
        }
    };
    let seeds = match single {
        Some(seed) => seed..seed + 1,
        None => set("LEPTOS_SYNC_SEEDS").map_or(0..count, |text| range(&text)),
    };
    let mut failed = Vec::new();
    for seed in seeds {
        let mut world = world(seed, single.is_some());
        if catch_unwind(AssertUnwindSafe(|| run(&mut world))).is_err() {
            trace(&world).iter().for_each(|line| eprintln!("{line}"));
            eprintln!("LEPTOS_SYNC_SEED={seed} cargo test -p {test}");
            failed.push(seed);
        }
    }
    assert!(
        failed.is_empty(),
        "the runs of these seeds fail: {failed:?}"
    );
}
