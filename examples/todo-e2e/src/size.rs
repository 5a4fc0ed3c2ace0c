//! The sizes of heavy tests.

use std::env;

/// Returns the size of a heavy test: `long` in the long run, which sets `TODO_LONG`, else `usual`.
#[must_use]
pub fn size(usual: usize, long: usize) -> usize {
    match env::var_os("TODO_LONG") {
        Some(_) => long,
        None => usual,
    }
}
