//! Raw deflate (RFC 1951), the compression of envelopes.
//!
//! Every platform reads it. A browser writes envelopes uncompressed: a compressor would be a tenth of what this crate
//! adds to a page, and the browser's database compresses by itself.

#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "compress_absent.rs"
)]
mod compress;

use flate2::{Decompress, FlushDecompress, Status};

pub(super) use compress::deflate;

/// The `size` bytes to which `deflated`, all of it, inflates; `None` if it does not. Never holds more than those.
///
/// Its state takes 40 KiB of stack, which are not to be asked for where nothing is compressed.
#[inline(never)]
pub(super) fn inflate(deflated: &[u8], size: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(size);
    let mut stream = Decompress::new(false);
    let status = stream.decompress_vec(deflated, &mut out, FlushDecompress::Finish);
    let ended =
        matches!(status, Ok(Status::StreamEnd)) && stream.total_in() == deflated.len() as u64;
    (ended && out.len() == size).then_some(out)
}
