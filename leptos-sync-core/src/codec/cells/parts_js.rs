//! The replacement for `parts` in a browser: it writes a message as a whole. That takes memory for
//! two copies, but reduces the size of the page.

use super::writer::Written;

#[derive(Default)]
pub(super) struct Parts;

impl Parts {
    pub(super) fn is_due(&self, _: impl FnOnce() -> usize) -> bool {
        false
    }

    pub(super) fn at_most(&self, bytes: usize) -> usize {
        bytes
    }

    pub(super) fn keep(&mut self, _: Written) {}
}
