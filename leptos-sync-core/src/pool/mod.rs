//! Pools of reusable values and buffers.

mod buffers;
#[cfg_attr(
    all(target_arch = "wasm32", target_os = "unknown"),
    path = "scratch_js.rs"
)]
mod scratch;

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use parking_lot::Mutex;

pub use buffers::BufferPool;
pub(crate) use scratch::{Scratch, kept, scratch};

/// A value that can be reused.
pub trait Reset: Default {
    /// Clears the value and keeps its memory.
    fn reset(&mut self);
}

impl<T> Reset for Vec<T> {
    fn reset(&mut self) {
        self.clear();
    }
}

impl Reset for String {
    fn reset(&mut self) {
        self.clear();
    }
}

/// A pool of reusable values.
///
/// A value returns to the pool when its guard is dropped. The pool frees it if enough values are
/// idle. Values that never return are counted as outstanding. Taking or returning a value locks a
/// mutex for a few instructions.
///
/// ```
/// use leptos_sync_core::internal::Pool;
///
/// static LINES: Pool<String> = Pool::new(16);
///
/// let mut line = LINES.get();
/// line.push_str("as long as it is needed");
/// drop(line);
///
/// let again = LINES.get();
/// assert!(again.is_empty() && again.capacity() > 0, "empty, with its capacity");
/// assert_eq!((LINES.stats().made, LINES.stats().outstanding()), (1, 1));
/// ```
pub struct Pool<T> {
    idle: Mutex<Idle<T>>,
    bound: usize,
}

struct Idle<T> {
    values: Vec<T>,
    stats: PoolStats,
}

/// Statistics of a pool since its creation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStats {
    /// The number of values taken.
    pub taken: u64,
    /// The number of taken values that had to be allocated.
    pub made: u64,
    /// The number of values returned.
    pub returned: u64,
    /// The number of returned values that were freed because enough were idle.
    pub discarded: u64,
}

impl PoolStats {
    /// Returns the number of values in use. If it grows without bound, guards are being leaked.
    pub fn outstanding(&self) -> u64 {
        self.taken - self.returned
    }

    fn and(self, other: Self) -> Self {
        Self {
            taken: self.taken + other.taken,
            made: self.made + other.made,
            returned: self.returned + other.returned,
            discarded: self.discarded + other.discarded,
        }
    }
}

impl<T> Pool<T> {
    /// Creates a pool that keeps at most `bound` idle values. Allocates nothing.
    pub const fn new(bound: usize) -> Self {
        Self {
            idle: Mutex::new(Idle {
                values: Vec::new(),
                stats: PoolStats {
                    taken: 0,
                    made: 0,
                    returned: 0,
                    discarded: 0,
                },
            }),
            bound,
        }
    }

    /// Returns the statistics. O(1).
    pub fn stats(&self) -> PoolStats {
        self.idle.lock().stats
    }

    /// Returns the number of idle values.
    pub fn idle(&self) -> usize {
        self.idle.lock().values.len()
    }

    /// Frees all idle values.
    pub fn clear(&self) {
        // Release the lock before dropping the values, which may take a while.
        let values = std::mem::take(&mut self.idle.lock().values);
        drop(values);
    }

    /// Takes an idle value, if there is one.
    fn take(&self) -> Option<T> {
        let mut idle = self.idle.lock();
        let value = idle.values.pop();
        idle.stats.taken += 1;
        idle.stats.made += u64::from(value.is_none());
        value
    }

    /// Returns a reset value to the pool. Keeps it if `worth` is true and there is room.
    fn put_if(&self, worth: bool, value: T) {
        let mut idle = self.idle.lock();
        idle.stats.returned += 1;
        if worth && idle.values.len() < self.bound {
            idle.values.push(value);
        } else {
            idle.stats.discarded += 1;
            // Release the lock before the value is dropped, which may take a while.
            drop(idle);
            drop(value);
        }
    }
}

impl<T: Reset> Pool<T> {
    /// Takes an empty value. O(1).
    pub fn get(&self) -> Pooled<'_, T> {
        Pooled {
            value: self.take().unwrap_or_default(),
            pool: self,
        }
    }
}

impl<T> fmt::Debug for Pool<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("bound", &self.bound)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// A value that returns to its [`Pool`] when it is dropped.
pub struct Pooled<'p, T: Reset> {
    value: T,
    pool: &'p Pool<T>,
}

impl<T: Reset> Deref for Pooled<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Reset> DerefMut for Pooled<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Reset> Drop for Pooled<'_, T> {
    fn drop(&mut self) {
        let mut value = std::mem::take(&mut self.value);
        value.reset();
        self.pool.put_if(true, value);
    }
}

impl<T: Reset + fmt::Debug> fmt::Debug for Pooled<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    #[test]
    fn a_returned_value_is_reused_with_its_capacity() {
        let pool = Pool::<Vec<u8>>::new(4);
        let mut lent = pool.get();
        lent.extend_from_slice(&[1; 100]);
        let room = lent.capacity();
        drop(lent);
        let again = pool.get();
        assert!(again.is_empty());
        assert_eq!(again.capacity(), room);
        assert_eq!((pool.stats().taken, pool.stats().made), (2, 1));
    }

    #[test]
    fn a_leaked_guard_counts_as_outstanding() {
        let pool = Pool::<Vec<u8>>::new(4);
        std::mem::forget(pool.get());
        drop(pool.get());
        assert_eq!(pool.stats().outstanding(), 1);
    }

    proptest! {
        /// The statistics are exact for any order of takes and returns.
        #[test]
        fn every_value_is_outstanding_idle_or_freed(steps in vec(any::<bool>(), 0..60), bound in 0_usize..6) {
            let pool = Pool::<String>::new(bound);
            let mut lent = Vec::new();
            for get in steps {
                if get {
                    lent.push(pool.get());
                } else {
                    drop(lent.pop());
                }
                let stats = pool.stats();
                prop_assert_eq!(stats.outstanding(), lent.len() as u64);
                prop_assert!(pool.idle() <= bound);
                prop_assert_eq!(stats.made - stats.discarded, lent.len() as u64 + pool.idle() as u64);
            }
            pool.clear();
            prop_assert_eq!(pool.idle(), 0);
        }
    }
}
