//! Work whose instructions are counted. Each runs once, since the count is reproducible.

/// The sizes: one for the cost of a message, one for the cost of an entry among many.
pub(crate) const SIZES: [usize; 2] = [1, 10_000];

/// Runs `work` on a prepared input. Nothing is dropped within.
pub(crate) fn once<I, O>(mut input: I, mut work: impl FnMut(&mut I) -> O) {
    let mut output = None;
    measured(&mut || output = Some(work(&mut input)));
    drop(std::hint::black_box((input, output)));
}

/// The function that the profiler looks for.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
}
