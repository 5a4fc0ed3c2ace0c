//! The replacement for compression when the feature `deflate` is disabled.

use crate::error::Error;

/// Always false: no body is compressed.
pub(super) fn may_pay(_: usize) -> bool {
    false
}

/// Always `None`: a body stays uncompressed.
pub(super) fn compress(_: &[u8]) -> Option<crate::pool::Scratch> {
    None
}

/// Always fails.
///
/// # Errors
///
/// [`Error::is_unsupported`]: the bytes are intact, and a build with the feature can read them.
pub(super) fn decompress(_: &[u8], _: u64) -> Result<Vec<u8>, Error> {
    Err(Error::unsupported(
        "the envelope is compressed; build the app with the feature `deflate` to read it",
    ))
}
