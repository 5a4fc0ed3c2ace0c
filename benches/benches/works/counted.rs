//! Work whose instructions are counted. Each runs once, since the count is reproducible.

/// The sizes: one for the cost of a message, and one for the cost of an entry among many.
pub(crate) const SIZES: [usize; 2] = [1, 10_000];

/// Runs `work` on a prepared input. The measurement includes no drops.
pub(crate) fn once<I, O>(mut input: I, mut work: impl FnMut(&mut I) -> O) {
    let mut output = None;
    measured(&mut || output = Some(work(&mut input)));
    drop(std::hint::black_box((input, output)));
}

/// Runs `work`. The profiler counts the instructions of this function.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
}
