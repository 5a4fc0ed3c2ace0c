use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::{Pool, PoolStats};
use crate::limits;

/// The smallest and the largest buffers that are kept, as powers of two: 1 KiB and 1 MiB.
const SMALLEST: u32 = 10;
const LARGEST: u32 = 20;
const CLASSES: usize = (LARGEST - SMALLEST + 1) as usize;

/// Buffers of bytes in eleven classes of size, each twice that of the one before, from 1 KiB to 1 MiB.
///
/// A buffer returns to the class of the room that it has by then, so that one that has grown serves the larger. Each
/// class keeps at most [`limits::POOL_BYTES`]. What is larger than the largest class is allocated and let go as usual.
#[derive(Debug)]
pub struct BufferPool {
    classes: [Pool<Vec<u8>>; CLASSES],
}

static SHARED: BufferPool = BufferPool::new();

impl BufferPool {
    /// A pool without buffers. Allocates nothing.
    pub const fn new() -> Self {
        let mut classes = [const { Pool::new(0) }; CLASSES];
        let mut class = 0;
        while class < CLASSES {
            #[expect(clippy::indexing_slicing, reason = "below its length, by the loop")]
            {
                classes[class].bound = limits::POOL_BYTES >> (SMALLEST as usize + class);
            }
            class += 1;
        }
        Self { classes }
    }

    /// The pool from which documents and messages of this process take their buffers.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// An empty buffer with room for `bytes`. O(1) where one is idle.
    pub fn get(&self, bytes: usize) -> Buffer<'_> {
        if bytes > 1 << LARGEST {
            return Buffer::from(Vec::with_capacity(bytes));
        }
        let room = bytes.max(1 << SMALLEST).next_power_of_two();
        let idle = self.class(room).and_then(Pool::take);
        Buffer {
            bytes: idle.unwrap_or_else(|| Vec::with_capacity(room)),
            pool: Some(self),
        }
    }

    /// What became of the buffers of all classes. O(1).
    pub fn stats(&self) -> PoolStats {
        let stats = self.classes.iter().map(Pool::stats);
        stats.fold(PoolStats::default(), PoolStats::and)
    }

    /// Lets all idle buffers go.
    pub fn clear(&self) {
        self.classes.iter().for_each(Pool::clear);
    }

    /// The class of the largest power of two up to `bytes`.
    fn class(&self, bytes: usize) -> Option<&Pool<Vec<u8>>> {
        let class = bytes.checked_ilog2()?.checked_sub(SMALLEST)?;
        self.classes.get(class as usize)
    }

    fn put(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        // One that has outgrown the largest class, or was swapped for a small one, is counted in the nearest.
        let room = bytes.capacity().clamp(1 << SMALLEST, 1 << LARGEST);
        if let Some(class) = self.class(room) {
            let fits = (1 << SMALLEST..2 << LARGEST).contains(&bytes.capacity());
            class.put_if(fits, bytes);
        }
    }
}

impl Default for BufferPool {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes whose room returns to its [`BufferPool`] when this is dropped.
pub struct Buffer<'p> {
    bytes: Vec<u8>,
    /// `None` where nothing is to return.
    pool: Option<&'p BufferPool>,
}

impl Buffer<'_> {
    /// No bytes and no room, from no pool.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            pool: None,
        }
    }
}

impl From<Vec<u8>> for Buffer<'_> {
    /// Bytes from no pool.
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, pool: None }
    }
}

impl Default for Buffer<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for Buffer<'_> {
    /// The same bytes in exactly as much room, from no pool: a copy is mostly kept.
    fn clone(&self) -> Self {
        Self::from(self.bytes.clone())
    }
}

impl PartialEq for Buffer<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Buffer<'_> {}

impl Deref for Buffer<'_> {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer<'_> {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool {
            pool.put(std::mem::take(&mut self.bytes));
        }
    }
}

impl fmt::Debug for Buffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_buffer_has_the_room_that_was_asked_for_and_serves_again() {
        let pool = BufferPool::new();
        for bytes in [0, 1, 1_024, 1_025, 5_000, 1 << 20] {
            let first = pool.get(bytes);
            assert!(first.capacity() >= bytes.max(1_024), "{bytes}");
            let address = first.as_ptr();
            drop(first);
            assert_eq!(pool.get(bytes).as_ptr(), address, "{bytes}");
        }
    }

    #[test]
    fn a_buffer_that_has_grown_serves_the_larger() {
        let pool = BufferPool::new();
        let mut small = pool.get(1);
        small.resize(100_000, 7);
        let (address, room) = (small.as_ptr(), small.capacity());
        drop(small);
        let large = pool.get(room / 2 + 1);
        assert_eq!(large.as_ptr(), address);
        assert!(large.is_empty());
    }

    #[test]
    fn what_is_larger_than_the_largest_class_is_not_kept() {
        let pool = BufferPool::new();
        drop(pool.get((1 << 20) + 1));
        assert_eq!(pool.stats(), PoolStats::default());
        let mut grown = pool.get(1);
        grown.resize(5 << 20, 0);
        drop(grown);
        let stats = pool.stats();
        assert_eq!((stats.outstanding(), stats.discarded), (0, 1));
    }

    proptest! {
        /// Whatever becomes of buffers, what is idle stays within the bound and nothing seems lent that is not.
        #[test]
        fn idle_buffers_are_bounded(sizes in vec((0_usize..3 << 20, 0_usize..3 << 20), 0..40)) {
            let pool = BufferPool::new();
            let mut lent = Vec::new();
            for (bytes, grown) in sizes {
                let mut buffer = pool.get(bytes);
                prop_assert!(buffer.is_empty() && buffer.capacity() >= bytes);
                buffer.reserve(grown);
                lent.push(buffer);
                if lent.len() > 8 {
                    lent.clear();
                }
            }
            lent.clear();
            prop_assert_eq!(pool.stats().outstanding(), 0);
            for (class, bytes) in pool.classes.iter().zip((SMALLEST..).map(|power| 1_usize << power)) {
                prop_assert!(class.idle() * bytes <= limits::POOL_BYTES);
            }
        }
    }
}
