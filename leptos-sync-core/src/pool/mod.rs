//! Values and buffers that are used again instead of being allocated again.

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

pub use buffers::{Buffer, BufferPool};
pub(crate) use scratch::{Scratch, kept, scratch};

/// What can be used again: [`reset`](Reset::reset) makes it as good as new and keeps its room.
pub trait Reset: Default {
    /// Forgets everything but the memory.
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

/// Values that are lent and come back.
///
/// What is lent returns when its guard is dropped; what is beyond the bound then is let go. A value that never comes back
/// shows in the [statistics](Pool::stats) as outstanding. Getting and returning lock a mutex for a few instructions.
///
/// ```
/// use leptos_sync_core::Pool;
///
/// static LINES: Pool<String> = Pool::new(16);
///
/// let mut line = LINES.get();
/// line.push_str("as long as it is needed");
/// drop(line);
///
/// let again = LINES.get();
/// assert!(again.is_empty() && again.capacity() > 0, "as good as new, with its room");
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

/// What became of a pool's values since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolStats {
    /// How many were lent.
    pub taken: u64,
    /// How many of those had to be made.
    pub made: u64,
    /// How many came back.
    pub returned: u64,
    /// How many of those were let go, since enough were idle.
    pub discarded: u64,
}

impl PoolStats {
    /// How many are lent now. One that grows without end is a leak: guards that are kept or forgotten.
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
    /// A pool that keeps at most `bound` idle values. Allocates nothing.
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

    /// What became of its values. O(1).
    pub fn stats(&self) -> PoolStats {
        self.idle.lock().stats
    }

    /// How many values wait to be lent.
    pub fn idle(&self) -> usize {
        self.idle.lock().values.len()
    }

    /// Lets all idle values go.
    pub fn clear(&self) {
        // Dropped after the lock is: dropping may take its time.
        let values = std::mem::take(&mut self.idle.lock().values);
        drop(values);
    }

    /// An idle value, if there is one.
    fn take(&self) -> Option<T> {
        let mut idle = self.idle.lock();
        let value = idle.values.pop();
        idle.stats.taken += 1;
        idle.stats.made += u64::from(value.is_none());
        value
    }

    /// Takes a value back that is as good as new, and keeps it if it is worth keeping and there is room.
    fn put_if(&self, worth: bool, value: T) {
        let mut idle = self.idle.lock();
        idle.stats.returned += 1;
        if worth && idle.values.len() < self.bound {
            idle.values.push(value);
        } else {
            idle.stats.discarded += 1;
            // Dropped after the lock is: dropping may take its time.
            drop(idle);
            drop(value);
        }
    }
}

impl<T: Reset> Pool<T> {
    /// A value as good as new. O(1).
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

/// A value that returns to its [`Pool`] when this is dropped.
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
    fn what_comes_back_is_lent_again_with_its_room() {
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
    fn a_guard_that_is_forgotten_shows_as_outstanding() {
        let pool = Pool::<Vec<u8>>::new(4);
        std::mem::forget(pool.get());
        drop(pool.get());
        assert_eq!(pool.stats().outstanding(), 1);
    }

    proptest! {
        /// Whatever is lent and returned in whatever order, the figures say how many are where.
        #[test]
        fn every_value_is_lent_idle_or_let_go(steps in vec(any::<bool>(), 0..60), bound in 0_usize..6) {
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
