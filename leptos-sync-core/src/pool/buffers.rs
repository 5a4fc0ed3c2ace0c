use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::{Pool, PoolStats};
use crate::limits;

/// The sizes of the smallest and largest pooled buffers, as powers of two: 1 KiB and 1 MiB.
const SMALLEST: u32 = 10;
const LARGEST: u32 = 20;
const CLASSES: usize = (LARGEST - SMALLEST + 1) as usize;

/// A pool of byte buffers in eleven size classes, from 1 KiB to 1 MiB in powers of two.
///
/// A buffer returns to the class of its current capacity, so a buffer that has grown can be reused
/// for larger requests. Each class keeps at most [`limits::POOL_BYTES`]. Larger buffers are
/// allocated and freed as usual.
#[derive(Debug)]
pub struct BufferPool {
    classes: [Pool<Vec<u8>>; CLASSES],
}

static SHARED: BufferPool = BufferPool::new();

impl BufferPool {
    /// Creates an empty pool. Allocates nothing.
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

    /// Returns the pool that documents and messages of this process use.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// Returns an empty buffer with a capacity of at least `bytes`. O(1) if one is idle.
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

    /// Returns the combined statistics of all classes. O(1).
    pub fn stats(&self) -> PoolStats {
        let stats = self.classes.iter().map(Pool::stats);
        stats.fold(PoolStats::default(), PoolStats::and)
    }

    /// Frees all idle buffers.
    pub fn clear(&self) {
        self.classes.iter().for_each(Pool::clear);
    }

    /// Returns the class of the largest power of two up to `bytes`.
    fn class(&self, bytes: usize) -> Option<&Pool<Vec<u8>>> {
        let class = bytes.checked_ilog2()?.checked_sub(SMALLEST)?;
        self.classes.get(class as usize)
    }

    fn put(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        // Count a buffer in the nearest class if it has outgrown the largest one, or was swapped
        // for a very small one.
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

/// A buffer that returns to its [`BufferPool`] when it is dropped.
pub struct Buffer<'p> {
    bytes: Vec<u8>,
    /// `None` if the buffer belongs to no pool.
    pool: Option<&'p BufferPool>,
}

impl Buffer<'_> {
    /// Creates an empty buffer without a pool. Allocates nothing.
    pub const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            pool: None,
        }
    }
}

impl From<Vec<u8>> for Buffer<'_> {
    /// Wraps bytes that belong to no pool.
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
    /// Copies the bytes into a buffer of exact size without a pool, since copies are usually
    /// long-lived.
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
    fn a_buffer_has_the_requested_capacity_and_is_reused() {
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
    fn a_grown_buffer_serves_larger_requests() {
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
    fn a_buffer_beyond_the_largest_class_is_freed() {
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
        /// Idle buffers stay within the limit, and the count of outstanding ones is exact.
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
