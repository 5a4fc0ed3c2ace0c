//! Work whose instructions are counted: once each, since the count repeats.

/// The sizes at which it is done: what a message costs, and what an entry costs among many.
pub(crate) const SIZES: [usize; 2] = [1, 10_000];

/// Does `work` on an input, which was made before. Nothing of either is dropped within.
pub(crate) fn once<I, O>(mut input: I, mut work: impl FnMut(&mut I) -> O) {
    let mut output = None;
    measured(&mut || output = Some(work(&mut input)));
    drop(std::hint::black_box((input, output)));
}

/// What a profiler looks for by this name.
#[inline(never)]
fn measured(work: &mut dyn FnMut()) {
    work();
}
