//! The measurement of each group: ten samples within a second, so that all groups take minutes (or
//! seconds with `--quick`); or a single run for a profiler.

use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput,
    measurement::WallTime,
};
use leptos_sync_benches::SIZES;

use crate::counted;

/// The mode of a run.
pub(crate) enum Harness {
    /// Criterion measures the benchmarks that the command line selects.
    Timed(Box<Criterion>),
    /// The names of the benchmarks that can be counted are printed.
    Listed,
    /// The benchmark with this name runs once.
    Counted(String),
}

impl Harness {
    /// Creates a Criterion configured by the command line.
    pub(crate) fn timed() -> Self {
        Self::Timed(Box::new(Criterion::default().configure_from_args()))
    }

    /// Adds a group of benchmarks, which `add` fills.
    pub(crate) fn group(&mut self, name: &'static str, add: impl FnOnce(&mut Group<'_>)) {
        let timed = match self {
            Self::Timed(criterion) => {
                let mut timed = criterion.benchmark_group(name);
                timed
                    .sample_size(10)
                    .sampling_mode(SamplingMode::Flat)
                    .warm_up_time(Duration::from_millis(200))
                    .measurement_time(Duration::from_millis(1_000));
                Mode::Timed(timed)
            }
            Self::Listed => Mode::Listed,
            Self::Counted(id) => Mode::Counted(id),
        };
        add(&mut Group { name, mode: timed });
    }

    /// Prints Criterion's summary at the end.
    pub(crate) fn finish(self) {
        if let Self::Timed(criterion) = self {
            criterion.final_summary();
        }
    }
}

/// A group of benchmarks.
pub(crate) struct Group<'c> {
    name: &'static str,
    mode: Mode<'c>,
}

enum Mode<'c> {
    Timed(BenchmarkGroup<'c, WallTime>),
    Listed,
    Counted(&'c str),
}

impl Group<'_> {
    /// Measures `work` at every size. `prepare` returns, for a size, the function that creates the
    /// input of each run.
    pub(crate) fn bench<I, O, M: FnMut() -> I>(
        &mut self,
        name: &str,
        prepare: impl FnMut(usize) -> M,
        work: impl FnMut(&mut I) -> O,
    ) {
        self.bench_at(&SIZES, name, prepare, work);
    }

    /// Measures `work` at some sizes.
    pub(crate) fn bench_at<I, O, M: FnMut() -> I>(
        &mut self,
        sizes: &[usize],
        name: &str,
        mut prepare: impl FnMut(usize) -> M,
        mut work: impl FnMut(&mut I) -> O,
    ) {
        let Mode::Timed(timed) = &mut self.mode else {
            for size in counted::SIZES {
                self.count(&format!("{}/{name}/{size}", self.name), || {
                    counted::once(prepare(size)(), &mut work);
                });
            }
            return;
        };
        for &size in sizes {
            // For short work, create many inputs at a time, so that the cost of reading the clock
            // is negligible.
            let batch = match size {
                0..1_000 => BatchSize::NumIterations(10_000 / size as u64),
                _ => BatchSize::PerIteration,
            };
            timed.throughput(Throughput::Elements(size as u64));
            timed.bench_function(BenchmarkId::new(name, size), |bencher| {
                let mut make = prepare(size);
                bencher.iter_batched_ref(&mut make, &mut work, batch);
            });
        }
    }

    #[expect(clippy::print_stdout, reason = "the list is what was asked for")]
    fn count(&self, id: &str, once: impl FnOnce()) {
        match self.mode {
            Mode::Listed => println!("{id}"),
            Mode::Counted(wanted) if wanted == id => once(),
            Mode::Counted(_) | Mode::Timed(_) => {}
        }
    }
}
