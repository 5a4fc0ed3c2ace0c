use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;

use super::Once;
use crate::{error::Error, limits};

/// A value that a [`LazyPool`] can evict.
pub trait Evictable {
    /// Returns whether the value is completely saved, so that dropping it loses nothing.
    ///
    /// The pool calls this while it holds its lock, so an implementation must not use the pool.
    fn is_saved(&self) -> bool;
}

/// A pool of values by name, such as documents, that are loaded on first use and evicted when
/// unused.
///
/// [`open`](LazyPool::open) returns an `Arc`. While it or a clone exists, the value is in use, and
/// all callers that open the same name share it. If more values are open than the capacity allows,
/// the pool evicts the least recently opened ones that are unused and saved. A value that is in use
/// or not saved is never evicted, even above the capacity. Opening an evicted name loads it again.
///
/// Eviction runs when a value is opened and on [`trim`](LazyPool::trim). The pool spawns no tasks.
///
/// ```
/// use leptos_sync_core::{Error, lazy::{Evictable, LazyPool}};
///
/// struct Page(String);
///
/// impl Evictable for Page {
///     fn is_saved(&self) -> bool {
///         true // Pages are never edited.
///     }
/// }
///
/// let pages = LazyPool::new(async |name: &String| Ok::<_, Error>(Page(format!("<h1>{name}</h1>"))));
/// # let opened = std::pin::pin!(async {
/// let page = pages.open(&"start".to_owned()).await?;
/// # assert_eq!((page.0.as_str(), pages.len()), ("<h1>start</h1>", 1));
/// # Ok::<(), std::sync::Arc<Error>>(())
/// # }).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
/// # assert!(opened.is_ready());
/// # use std::future::Future;
/// ```
pub struct LazyPool<K, T, F> {
    load: F,
    room: usize,
    slots: Mutex<Slots<K, T>>,
}

struct Slots<K, T> {
    by_key: BTreeMap<K, Slot<T>>,
    /// The number of opens so far, which orders the slots by use.
    opened: u64,
}

struct Slot<T> {
    /// The value. Callers that are opening it hold clones.
    value: Arc<Once<Arc<T>>>,
    used: u64,
}

impl<K: Ord + Clone, T: Evictable, F> LazyPool<K, T, F> {
    /// Creates a pool for [`limits::OPEN_DOCUMENTS`] values. `load` loads a value by its name.
    pub fn new(load: F) -> Self {
        Self::with_room(limits::OPEN_DOCUMENTS, load)
    }

    /// Creates a pool that keeps up to `room` values open.
    pub fn with_room(room: usize, load: F) -> Self {
        let slots = Slots {
            by_key: BTreeMap::new(),
            opened: 0,
        };
        Self {
            load,
            room,
            slots: Mutex::new(slots),
        }
    }

    /// Returns the number of values that are open or being opened.
    pub fn len(&self) -> usize {
        self.slots.lock().by_key.len()
    }

    /// Returns whether no value is open.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the value with this name if it is open. Does not count as a use.
    pub fn get_if_open(&self, key: &K) -> Option<Arc<T>> {
        let slots = self.slots.lock();
        slots.by_key.get(key)?.value.get().map(Arc::clone)
    }

    /// Evicts unused, saved values beyond the capacity. Call it after a value was saved or
    /// released.
    ///
    /// O(1) if the capacity is not exceeded, else O(n log n) in the number of open values.
    pub fn trim(&self) {
        let gone = self.slots.lock().evict(self.room);
        // Drop the values without the lock, since dropping may use the pool.
        drop(gone);
    }
}

impl<K: Ord + Clone, T: Evictable, F: AsyncFn(&K) -> Result<T, Error>> LazyPool<K, T, F> {
    /// Returns the value with this name, and loads it if it is not open. Concurrent calls share one
    /// load.
    ///
    /// Costs O(log n), the load, and a [`trim`](LazyPool::trim).
    ///
    /// # Errors
    ///
    /// The error of the load, for all callers that waited for it. The next call tries again.
    pub async fn open(&self, key: &K) -> Result<Arc<T>, Arc<Error>> {
        let slot = self.slots.lock().touch(key);
        let load = || async { (self.load)(key).await.map(Arc::new) };
        let opened = slot.get_or_load(load).await.map(Arc::clone);
        drop(slot);
        if opened.is_err() {
            self.slots.lock().forget_unloaded(key);
        }
        self.trim();
        opened
    }
}

impl<K: Ord + Clone, T: Evictable> Slots<K, T> {
    /// Returns the slot of this name and marks it as used.
    fn touch(&mut self, key: &K) -> Arc<Once<Arc<T>>> {
        self.opened += 1;
        if let Some(slot) = self.by_key.get_mut(key) {
            slot.used = self.opened;
            return Arc::clone(&slot.value);
        }
        let value = Arc::new(Once::new());
        let slot = Slot {
            value: Arc::clone(&value),
            used: self.opened,
        };
        self.by_key.insert(key.clone(), slot);
        value
    }

    /// Removes the slot if it is empty and no caller is loading it.
    fn forget_unloaded(&mut self, key: &K) {
        let slot = self.by_key.get_mut(key);
        let value = slot.and_then(|slot| Arc::get_mut(&mut slot.value));
        if value.is_some_and(|value| value.get().is_none()) {
            self.by_key.remove(key);
        }
    }

    /// Removes unused, saved values, the least recently used first, until `room` are left.
    fn evict(&mut self, room: usize) -> Vec<Slot<T>> {
        let above = self.by_key.len().saturating_sub(room);
        if above == 0 {
            return Vec::new();
        }
        let all = self.by_key.iter_mut();
        let mut idle: Vec<_> = all
            .filter_map(|(key, slot)| slot.may_go().then(|| (slot.used, key.clone())))
            .collect();
        idle.sort_unstable_by_key(|(used, _)| *used);
        let gone = idle.iter().take(above);
        gone.filter_map(|(_, key)| self.by_key.remove(key))
            .collect()
    }
}

impl<T: Evictable> Slot<T> {
    /// Returns whether the value is unused and saved. The caller holds the lock of the pool, so
    /// nobody can obtain a clone meanwhile.
    fn may_go(&mut self) -> bool {
        match Arc::get_mut(&mut self.value).map(Once::get_mut) {
            // A caller is opening it.
            None => false,
            // The caller that was loading it was dropped.
            Some(None) => true,
            Some(Some(value)) => Arc::get_mut(value).is_some_and(|value| value.is_saved()),
        }
    }
}

impl<K: Ord + Clone, T: Evictable, F> fmt::Debug for LazyPool<K, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyPool")
            .field("room", &self.room)
            .field("open", &self.len())
            .finish_non_exhaustive()
    }
}
