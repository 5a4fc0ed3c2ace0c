//! How all groups are measured: ten samples within a second, so that the whole takes minutes. `-- --quick` takes
//! seconds.

use std::time::Duration;

use criterion::{
    BatchSize, BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput,
    measurement::WallTime,
};
use leptos_sync_benches::SIZES;

/// Runs `group` on a Criterion that was configured by the command line.
pub(crate) fn main(name: &str, group: impl FnOnce(&mut Group<'_>)) {
    let mut criterion = Criterion::default().configure_from_args();
    let mut inner = criterion.benchmark_group(name);
    inner
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(1_000));
    group(&mut Group(inner));
    criterion.final_summary();
}

/// One group of benchmarks.
pub(crate) struct Group<'c>(BenchmarkGroup<'c, WallTime>);

impl Group<'_> {
    /// Measures `work` at every size. `prepare` makes, for a size, what makes the input of each run.
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
        for &size in sizes {
            // Inputs of small work are made many at a time, so that the clock is not what is measured.
            let batch = match size {
                0..1_000 => BatchSize::NumIterations(10_000 / size as u64),
                _ => BatchSize::PerIteration,
            };
            self.0.throughput(Throughput::Elements(size as u64));
            self.0
                .bench_function(BenchmarkId::new(name, size), |bencher| {
                    let mut make = prepare(size);
                    bencher.iter_batched_ref(&mut make, &mut work, batch);
                });
        }
    }
}
