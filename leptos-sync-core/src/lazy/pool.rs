use std::{collections::BTreeMap, fmt, sync::Arc};

use parking_lot::Mutex;

use super::Once;
use crate::{error::Error, limits};

/// What a [`LazyPool`] may let go of.
pub trait PutAway {
    /// Whether nothing is lost when this is dropped and loaded again: all of it is saved. Asked while nobody uses the value,
    /// under the pool's lock: it must not use the pool.
    fn is_saved(&self) -> bool;
}

/// Values by name, such as documents, that are loaded when they are first opened, and of which only some stay open.
///
/// Opening gives an `Arc`. As long as it or a clone of it is held, the value is in use, and everybody who opens the name
/// gets the same one. Where more than the pool's room are open, those that nobody uses and that are
/// [saved](PutAway::is_saved) are put away, the least recently opened first; what is in use or not saved never is, also
/// above that bound. Opening a name again loads it again.
///
/// It is looked at when something is opened, and when [`trim`](LazyPool::trim) is called; no task is spawned.
///
/// ```
/// use leptos_sync_core::{Error, LazyPool, PutAway};
///
/// struct Page(String);
///
/// impl PutAway for Page {
///     fn is_saved(&self) -> bool {
///         true // It is never edited.
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
    /// How often something was opened: the time by which the least recent is known.
    opened: u64,
}

struct Slot<T> {
    /// Whoever is opening it has a clone.
    value: Arc<Once<Arc<T>>>,
    used: u64,
}

impl<K: Ord + Clone, T: PutAway, F> LazyPool<K, T, F> {
    /// A pool with room for [`limits::OPEN_DOCUMENTS`], which `load` loads by their names.
    pub fn new(load: F) -> Self {
        Self::with_room(limits::OPEN_DOCUMENTS, load)
    }

    /// A pool of which `room` values stay open.
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

    /// How many are open or being opened.
    pub fn len(&self) -> usize {
        self.slots.lock().by_key.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of that name, if it is open. Does not count as a use.
    pub fn get_if_open(&self, key: &K) -> Option<Arc<T>> {
        let slots = self.slots.lock();
        slots.by_key.get(key)?.value.get().map(Arc::clone)
    }

    /// Puts away what may go and is beyond the room: for when something was saved or is not used any more.
    ///
    /// O(1) where no more than the room are open, else O(n log n) in their number.
    pub fn trim(&self) {
        let gone = self.slots.lock().put_away(self.room);
        // Without the lock: what is dropped may use the pool.
        drop(gone);
    }
}

impl<K: Ord + Clone, T: PutAway, F: AsyncFn(&K) -> Result<T, Error>> LazyPool<K, T, F> {
    /// The value of that name, loaded if it is not open. Whoever opens it at the same time waits for the same load.
    ///
    /// O(log n) and the load; what [`trim`](LazyPool::trim) costs behind it.
    ///
    /// # Errors
    ///
    /// What loading says, to all who waited for that load. The next use tries again.
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

impl<K: Ord + Clone, T: PutAway> Slots<K, T> {
    /// The slot of that name, which was used just now.
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

    /// Lets the slot go if nothing was loaded into it and nobody is about to.
    fn forget_unloaded(&mut self, key: &K) {
        let slot = self.by_key.get_mut(key);
        let value = slot.and_then(|slot| Arc::get_mut(&mut slot.value));
        if value.is_some_and(|value| value.get().is_none()) {
            self.by_key.remove(key);
        }
    }

    /// Takes out what may go, the least recently used first, until no more than `room` are left.
    fn put_away(&mut self, room: usize) -> Vec<Slot<T>> {
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

impl<T: PutAway> Slot<T> {
    /// Whether nobody uses it and nothing would be lost. Nobody can come by a clone meanwhile: the pool is locked.
    fn may_go(&mut self) -> bool {
        match Arc::get_mut(&mut self.value).map(Once::get_mut) {
            // Somebody is opening it.
            None => false,
            // Whoever was loading it has been dropped.
            Some(None) => true,
            Some(Some(value)) => Arc::get_mut(value).is_some_and(|value| value.is_saved()),
        }
    }
}

impl<K: Ord + Clone, T: PutAway, F> fmt::Debug for LazyPool<K, T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LazyPool")
            .field("room", &self.room)
            .field("open", &self.len())
            .finish_non_exhaustive()
    }
}
