//! The buffers under documents and messages, in a browser: the allocator's, so that a page need not download a pool.

/// Bytes that are written once and read while they last.
pub(crate) type Scratch = Vec<u8>;

/// An empty buffer with room for `bytes`.
pub(crate) fn scratch(bytes: usize) -> Scratch {
    Vec::with_capacity(bytes)
}

/// Bytes that are there already.
pub(crate) fn kept(bytes: Vec<u8>) -> Scratch {
    bytes
}
