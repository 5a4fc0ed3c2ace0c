//! Samples in turn, and their medians.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use crate::works::Work;

/// How long a row may take.
#[derive(Clone, Copy)]
pub(crate) struct Effort {
    /// Time for a row, setting up included.
    budget: Duration,
    /// Samples of each side, whatever they take; never fewer.
    least: usize,
    /// Samples of each side; never more.
    most: usize,
}

impl Effort {
    pub(crate) const fn full() -> Self {
        Self {
            budget: Duration::from_millis(2_000),
            least: 15,
            most: 201,
        }
    }

    pub(crate) const fn quick() -> Self {
        Self {
            budget: Duration::from_millis(150),
            least: 5,
            most: 51,
        }
    }
}

/// The time of one run of a row's work on each side, in nanoseconds: not whole ones, since a run may take two.
#[derive(Clone, Copy)]
pub(crate) struct Medians {
    pub(crate) ours: f64,
    pub(crate) other: f64,
}

impl Medians {
    /// How many times faster ours is.
    pub(crate) fn ratio(self) -> f64 {
        self.other / self.ours
    }
}

/// One side of a row, at one size: does the work so many times on inputs of its own, and says how long it took.
pub(crate) type Side = Box<dyn FnMut(usize) -> Duration>;

/// Inputs that exist at once. More would outgrow what the allocator keeps between samples, so that small work would be
/// measured by the faults of fresh pages: on one side or the other, as it happens.
const ALIVE: usize = 100;

/// A side that runs `work` on what `setup` makes. Setting up, and dropping what is left and what came out, is not
/// measured.
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

/// Measures both sides: ours, other, other, ours, ours, …
pub(crate) fn in_turn(work: &Work, size: usize, effort: Effort) -> Medians {
    let (mut ours, mut other) = ((work.ours)(size), (work.other)(size));
    // So many runs in a sample that reading the clock does not count.
    let runs = 500_usize.div_ceil(size);
    let (mut of_ours, mut of_other) = (Vec::new(), Vec::new());
    let start = Instant::now();
    // Once to warm up.
    ours(runs);
    other(runs);
    while of_ours.len() < effort.least
        || (of_ours.len() < effort.most && start.elapsed() < effort.budget)
    {
        if of_ours.len() % 2 == 0 {
            of_ours.push(ours(runs));
            of_other.push(other(runs));
        } else {
            of_other.push(other(runs));
            of_ours.push(ours(runs));
        }
    }
    Medians {
        ours: median(of_ours, runs),
        other: median(of_other, runs),
    }
}

fn median(mut samples: Vec<Duration>, runs: usize) -> f64 {
    samples.sort_unstable();
    let middle = samples.get(samples.len() / 2).copied().unwrap_or_default();
    middle.as_nanos() as f64 / runs as f64
}
