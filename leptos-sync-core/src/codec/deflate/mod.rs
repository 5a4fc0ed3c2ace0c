//! Raw deflate (RFC 1951), the compression of envelopes. Enabled by the feature `deflate`.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{
    error::Error,
    limits,
    pool::{Scratch, scratch},
};

/// Returns whether a body of this size is worth compressing.
pub(super) fn may_pay(bytes: usize) -> bool {
    (limits::COMPRESS_FROM_BYTES..=limits::INFLATED_BYTES).contains(&bytes)
}

/// Compresses `body` if that pays off and readers accept the result.
///
/// Takes about 20 ns a byte, and allocates the result and about 300 KiB.
pub(super) fn compress(body: &[u8]) -> Option<Scratch> {
    if !may_pay(body.len()) {
        return None;
    }
    // A body that does not shrink to seven eighths is not worth inflating.
    deflate(body, body.len() - body.len() / 8)
        .filter(|out| body.len() <= out.len() * limits::INFLATE_RATIO)
}

/// Inflates all of `body` to `size` bytes.
///
/// # Errors
///
/// [`Error::is_corrupt`] if it inflates to another size or beyond the limits. Never allocates more
/// than the limits.
pub(super) fn decompress(body: &[u8], size: u64) -> Result<Vec<u8>, Error> {
    let allowed = limits::INFLATED_BYTES.min(body.len().saturating_mul(limits::INFLATE_RATIO));
    let size = usize::try_from(size)
        .ok()
        .filter(|&size| size <= allowed)
        .ok_or_else(|| {
            Error::corrupt("the envelope declares more inflated bytes than the limits allow")
        })?;
    inflate(body, size)
        .ok_or_else(|| Error::corrupt("the compressed body does not inflate to its declared size"))
}

/// Compresses `body` to at most `room` bytes, if possible.
fn deflate(body: &[u8], room: usize) -> Option<Scratch> {
    let mut out = scratch(room);
    let status = Compress::new(Compression::default(), false).compress_vec(
        body,
        &mut out,
        FlushCompress::Finish,
    );
    // The buffer may have a larger capacity.
    (matches!(status, Ok(Status::StreamEnd)) && out.len() <= room).then_some(out)
}

/// Inflates `deflated` to exactly `size` bytes. Returns `None` if the data is invalid or inflates
/// to another size. Never allocates more than `size` bytes.
///
/// The state takes 40 KiB of stack, so this must not be inlined into code without compression.
#[inline(never)]
fn inflate(deflated: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(size);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(deflated, &mut out, FlushDecompress::Finish);
    let ended =
        matches!(status, Ok(Status::StreamEnd)) && stream.total_in() == deflated.len() as u64;
    (ended && out.len() == size).then_some(out)
}
