//! Samples in turn, and their medians.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// How long a row may take.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Time for a row, setting up included, while there may be more samples.
    budget: Duration,
    /// Time for a row whose samples take long, until it has enough of them.
    patience: Duration,
    /// Samples of each side, whatever they take; never fewer.
    fewest: usize,
    /// Samples of each side, where patience lasts.
    enough: usize,
    /// Samples of each side; never more.
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

/// One side of a row, at one size: does the work so many times on inputs of its own, and says how
/// long it took.
pub(crate) type Side = Box<dyn FnMut(usize) -> Duration>;

/// Inputs that exist at once. More would outgrow what the allocator keeps between samples, so that
/// small work would be measured by the faults of fresh pages: on one side or the other, as it
/// happens.
const ALIVE: usize = 100;

/// A side that runs `work` on what `setup` makes. Setting up, and dropping what is left and what
/// came out, is not measured.
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

/// What takes longer than this is not measured faster by what the caches hold when it starts.
const WARM_BELOW: Duration = Duration::from_millis(20);

/// The median time of a run on each side, in nanoseconds: not whole ones, since a run may take two.
/// The sides take turns, forwards and backwards. Before each sample, a short side runs once
/// unmeasured: the other sides' work has taken the caches, and by how much depends on who they are.
pub(crate) fn in_turn(sides: &mut [Side], size: usize, effort: Effort) -> Vec<f64> {
    // So many runs in a sample that reading the clock does not count.
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

/// Nanoseconds in three digits.
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
