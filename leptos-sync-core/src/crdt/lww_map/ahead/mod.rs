//! Work on many keys, done so that the cache misses of their look-ups overlap.
//!
//! A look-up among many entries is a chain of reads: the hash table's bytes, its slot, the entry, the key's text. Each
//! says where the next one is, so that a processor which takes one key after the other mostly waits. Here a few keys are
//! taken together, and each step is done for all of them before the next (Chen, Ailamaki, Gibbons and Mowry, "Improving
//! hash join performance through prefetching", 2004, call it group prefetching). That is reading alone, and what it finds
//! is dropped: the work that follows does what it would do without, and finds everything in a near cache.

use std::hash::Hash;

use super::LwwMap;

/// Keys that are taken together: more than a processor has reads on their way, few enough to stay in its nearest cache.
pub(super) const WINDOW: usize = 32;

/// The position of a key of which nothing is known.
pub(super) const NOWHERE: u32 = u32::MAX;

/// Keys from which it pays.
const KEYS: usize = 4;

/// Entries that are there, from which it pays: fewer are in a near cache anyway, and what is new is written side by side.
const ENTRIES: usize = 16 * 1024;

/// Whether it is there at all: a page does not download it.
const THERE: bool = cfg!(not(target_arch = "wasm32"));

impl<K: Eq + Hash, V> LwwMap<K, V> {
    /// Whether there are so many entries that reading ahead pays.
    pub(super) fn pays_ahead(&self) -> bool {
        THERE && self.table.len() >= ENTRIES
    }

    /// Does `work` with each item, in their order. `key` gives an item's key, and the position where it may be.
    pub(super) fn for_each<T>(
        &mut self,
        mut items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> Option<(&K, u32)>,
        mut work: impl FnMut(&mut Self, T),
    ) {
        let few = items.size_hint().1.is_some_and(|most| most < KEYS);
        if few || !self.pays_ahead() {
            return items.for_each(|item| work(self, item));
        }
        let mut window = Vec::with_capacity(WINDOW);
        while let Some(first) = items.next() {
            // Where one is at the position it came with, so are mostly those that follow: they are side by side.
            if key(&first).is_some_and(|(key, hint)| self.table.is_at(hint, key)) {
                work(self, first);
                let along = items.by_ref().take(WINDOW - 1);
                along.for_each(|item| work(self, item));
                continue;
            }
            window.push(first);
            window.extend(items.by_ref().take(WINDOW - 1));
            self.table.read_ahead(window.iter().filter_map(&key));
            window.drain(..).for_each(|item| work(self, item));
        }
    }
}

#[cfg(test)]
mod tests;
