//! The buffers of documents and messages in a browser. They are plain allocations, so that a page
//! does not download a pool.

/// A buffer that is written once and read until it is dropped.
pub(crate) type Scratch = Vec<u8>;

/// Returns an empty buffer with a capacity of at least `bytes`.
pub(crate) fn scratch(bytes: usize) -> Scratch {
    Vec::with_capacity(bytes)
}

/// Wraps existing bytes.
pub(crate) fn kept(bytes: Vec<u8>) -> Scratch {
    bytes
}
