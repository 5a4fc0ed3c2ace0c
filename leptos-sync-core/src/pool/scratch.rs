//! The buffers under documents and messages: of this process's pool.

use super::{Buffer, BufferPool};

/// Bytes that are written once and read while they last.
pub(crate) type Scratch = Buffer<'static>;

/// An empty buffer with room for `bytes`.
pub(crate) fn scratch(bytes: usize) -> Scratch {
    BufferPool::shared().get(bytes)
}

/// Bytes that are there already.
pub(crate) fn kept(bytes: Vec<u8>) -> Scratch {
    Buffer::from(bytes)
}
