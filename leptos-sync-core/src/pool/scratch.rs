//! The buffers of documents and messages, from the process-wide pool.

use super::{BufferPool, buffers::Buffer};

/// A buffer that is written once and read until it is dropped.
pub(crate) type Scratch = Buffer<'static>;

/// Returns an empty buffer with a capacity of at least `bytes`.
pub(crate) fn scratch(bytes: usize) -> Scratch {
    BufferPool::shared().get(bytes)
}

/// Wraps existing bytes.
pub(crate) fn kept(bytes: Vec<u8>) -> Scratch {
    Buffer::from(bytes)
}
