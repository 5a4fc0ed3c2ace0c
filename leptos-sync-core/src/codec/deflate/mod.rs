//! Raw deflate (RFC 1951), the compression of envelopes: what the feature `deflate` brings.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::{
    error::Error,
    limits,
    pool::{Scratch, scratch},
};

/// Whether a body of so many bytes is worth a try.
pub(super) fn may_pay(bytes: usize) -> bool {
    (limits::COMPRESS_FROM_BYTES..=limits::INFLATED_BYTES).contains(&bytes)
}

/// `body` compressed, if that pays and a reader accepts it.
///
/// About 20 ns a byte; memory for the result and some 300 KiB.
pub(super) fn compress(body: &[u8]) -> Option<Scratch> {
    if !may_pay(body.len()) {
        return None;
    }
    // What does not fit into seven eighths is not worth inflating.
    deflate(body, body.len() - body.len() / 8)
        .filter(|out| body.len() <= out.len() * limits::INFLATE_RATIO)
}

/// The `size` bytes to which `body`, all of it, inflates.
///
/// # Errors
///
/// [`Error::is_corrupt`] when it inflates to other than that, or would to more than the limits allow; it never holds
/// more.
pub(super) fn decompress(body: &[u8], size: u64) -> Result<Vec<u8>, Error> {
    let allowed = limits::INFLATED_BYTES.min(body.len().saturating_mul(limits::INFLATE_RATIO));
    let size = usize::try_from(size)
        .ok()
        .filter(|&size| size <= allowed)
        .ok_or_else(|| {
            Error::corrupt("envelope: it would inflate to more bytes than are allowed")
        })?;
    inflate(body, size).ok_or_else(|| {
        Error::corrupt(
            "envelope: the compressed body is not exactly as many bytes as were announced",
        )
    })
}

/// `body` compressed to at most `room` bytes, if that is possible.
fn deflate(body: &[u8], room: usize) -> Option<Scratch> {
    let mut out = scratch(room);
    let status = Compress::new(Compression::default(), false).compress_vec(
        body,
        &mut out,
        FlushCompress::Finish,
    );
    // The buffer may have more room.
    (matches!(status, Ok(Status::StreamEnd)) && out.len() <= room).then_some(out)
}

/// The `size` bytes to which `deflated`, all of it, inflates; `None` if it does not. Never holds more than those.
///
/// Its state takes 40 KiB of stack, which are not to be asked for where nothing is compressed.
#[inline(never)]
fn inflate(deflated: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(size);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(deflated, &mut out, FlushDecompress::Finish);
    let ended =
        matches!(status, Ok(Status::StreamEnd)) && stream.total_in() == deflated.len() as u64;
    (ended && out.len() == size).then_some(out)
}
