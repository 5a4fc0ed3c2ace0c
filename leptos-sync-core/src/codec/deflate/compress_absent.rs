/// Nothing: where there is no compressor, a body stays as it is.
pub(crate) fn deflate(_: &[u8], _: usize) -> Option<Vec<u8>> {
    None
}
