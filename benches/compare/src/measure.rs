//! Samples of several sides, taken in turns, and their medians.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// The time limits of a row.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// The time for a row, including setup, during which more samples are taken.
    budget: Duration,
    /// The maximum time for a row with slow samples to reach the minimum number of samples.
    patience: Duration,
    /// The minimum number of samples of each side.
    fewest: usize,
    /// The number of samples of each side within the time limit.
    enough: usize,
    /// The maximum number of samples of each side.
    most: usize,
}

impl Effort {
    pub(crate) const fn full() -> Self {
        Self {
            budget: Duration::from_millis(2_000),
            patience: Duration::from_millis(10_000),
            fewest: 5,
            enough: 15,
            most: 201,
        }
    }

    pub(crate) const fn quick() -> Self {
        Self {
            budget: Duration::from_millis(150),
            patience: Duration::from_millis(2_000),
            fewest: 3,
            enough: 5,
            most: 51,
        }
    }

    fn wants_more(self, samples: usize, elapsed: Duration) -> bool {
        samples < self.fewest
            || (samples < self.enough && elapsed < self.patience)
            || (samples < self.most && elapsed < self.budget)
    }
}

/// A side of a row at one size. It does the work the given number of times on its own inputs, and
/// returns the time.
pub(crate) type Side = Box<dyn FnMut(usize) -> Duration>;

/// The maximum number of inputs that exist at the same time. More inputs would exceed the memory
/// that the allocator keeps between samples. Page faults would then dominate small work, on either
/// side at random.
const ALIVE: usize = 100;

/// Creates a side that runs `work` on the output of `setup`. Setup and drops are not measured.
pub(crate) fn side<I: 'static, O: 'static>(
    mut setup: impl FnMut() -> I + 'static,
    mut work: impl FnMut(&mut I) -> O + 'static,
) -> Side {
    Box::new(move |mut runs| {
        let mut taken = Duration::ZERO;
        while runs > 0 {
            let batch = runs.min(ALIVE);
            runs -= batch;
            let mut inputs: Vec<I> = (0..batch).map(|_| setup()).collect();
            let mut outputs = Vec::with_capacity(batch);
            let start = Instant::now();
            for input in &mut inputs {
                outputs.push(work(black_box(input)));
            }
            taken += start.elapsed();
            black_box((inputs, outputs));
        }
        taken
    })
}

/// The duration beyond which work no longer depends on the content of the caches at its start.
const WARM_BELOW: Duration = Duration::from_millis(20);

/// Returns the median time of a run on each side in nanoseconds. It is a fraction, since a run may
/// take as little as two nanoseconds.
///
/// The sides take turns in alternating direction. Before each sample, a short side runs once
/// unmeasured, since the other sides have evicted its data from the caches.
pub(crate) fn in_turn(sides: &mut [Side], size: usize, effort: Effort) -> Vec<f64> {
    // Use enough runs in a sample to make the cost of reading the clock negligible.
    let runs = 500_usize.div_ceil(size);
    let mut samples: Vec<Vec<Duration>> = vec![Vec::new(); sides.len()];
    let start = Instant::now();
    for taken in 0.. {
        if !effort.wants_more(taken, start.elapsed()) {
            break;
        }
        let mut turns: Vec<_> = sides.iter_mut().zip(&mut samples).collect();
        if taken % 2 == 1 {
            turns.reverse();
        }
        for (side, samples) in turns {
            if samples.last().is_none_or(|last| *last < WARM_BELOW) {
                side(runs);
            }
            samples.push(side(runs));
        }
    }
    let medians = samples.into_iter().map(|samples| median(samples, runs));
    medians.collect()
}

fn median(mut samples: Vec<Duration>, runs: usize) -> f64 {
    samples.sort_unstable();
    let middle = samples.get(samples.len() / 2).copied().unwrap_or_default();
    middle.as_nanos() as f64 / runs as f64
}

/// Formats nanoseconds with three digits.
pub(crate) fn shown(ns: f64) -> String {
    let (value, unit) = match ns {
        ..1e3 => (ns, "ns"),
        ..1e6 => (ns / 1e3, "µs"),
        ..1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    match value {
        ..10.0 => format!("{value:.2} {unit}"),
        ..100.0 => format!("{value:.1} {unit}"),
        _ => format!("{value:.0} {unit}"),
    }
}
