//! In place of compression, where the feature `deflate` is off.

use crate::error::Error;

/// No body is.
pub(super) fn may_pay(_: usize) -> bool {
    false
}

/// Nothing: a body stays as it is.
pub(super) fn compress(_: &[u8]) -> Option<crate::pool::Scratch> {
    None
}

/// Nothing.
///
/// # Errors
///
/// [`Error::is_unsupported`], always: the bytes are intact, and a build that has the feature reads them.
pub(super) fn decompress(_: &[u8], _: u64) -> Result<Vec<u8>, Error> {
    Err(Error::unsupported(
        "envelope: it is compressed, and this build cannot read that; build the app with the feature `deflate`",
    ))
}
