use flate2::{Compress, Compression, FlushCompress, Status};

/// `body` compressed to at most `room` bytes, if that is possible.
///
/// About 20 ns a byte; memory for `room` and some 300 KiB.
pub(crate) fn deflate(body: &[u8], room: usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(room);
    let status = Compress::new(Compression::default(), false).compress_vec(
        body,
        &mut out,
        FlushCompress::Finish,
    );
    matches!(status, Ok(Status::StreamEnd)).then_some(out)
}
