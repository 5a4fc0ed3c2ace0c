//! Group prefetching: overlaps the cache misses of look-ups for many keys.
//!
//! A look-up among many entries is a chain of dependent reads: the hash table, the slot, the entry,
//! the key's text. A processor that looks up keys one at a time mostly waits for memory. So this
//! module takes a window of keys and performs each step for all of them before the next (Chen,
//! Ailamaki, Gibbons and Mowry, "Improving hash join performance through prefetching", 2004). It
//! only reads, and discards the data. The work that follows is the same as without prefetching, but
//! finds all data in a near cache.

use std::hash::Hash;

use super::LwwMap;

/// The number of keys in a window. It exceeds the number of reads that a processor keeps in flight,
/// and the data of one window fits into the first-level cache.
pub(super) const WINDOW: usize = 32;

/// A placeholder for an unknown position.
pub(super) const NOWHERE: u32 = u32::MAX;

/// The minimum number of keys for prefetching to pay off.
const KEYS: usize = 4;

/// The minimum number of entries for prefetching to pay off. Smaller maps stay in the first- or
/// second-level cache, where a prefetch saves nothing.
const ENTRIES: usize = 16 * 1024;

/// Whether prefetching is compiled in. A page does not download it.
const THERE: bool = cfg!(not(target_arch = "wasm32"));

impl<K: Eq + Hash, V> LwwMap<K, V> {
    /// Returns whether the map is large enough for prefetching to pay off.
    pub(super) fn pays_to_prefetch(&self) -> bool {
        THERE && self.table.len() >= ENTRIES
    }

    /// Calls `work` with each item in order. `key` returns an item's key and its likely position.
    pub(super) fn for_each<T>(
        &mut self,
        mut items: impl Iterator<Item = T>,
        key: impl Fn(&T) -> Option<(&K, u32)>,
        mut work: impl FnMut(&mut Self, T),
    ) {
        let few = items.size_hint().1.is_some_and(|most| most < KEYS);
        if few || !self.pays_to_prefetch() {
            return items.for_each(|item| work(self, item));
        }
        let mut window = Vec::with_capacity(WINDOW);
        while let Some(first) = items.next() {
            // If an item is at its likely position, so are most of the next ones, and they are
            // adjacent in memory.
            if key(&first).is_some_and(|(key, hint)| self.table.is_at(hint, key)) {
                work(self, first);
                let along = items.by_ref().take(WINDOW - 1);
                along.for_each(|item| work(self, item));
                continue;
            }
            window.push(first);
            window.extend(items.by_ref().take(WINDOW - 1));
            self.table.prefetch(window.iter().filter_map(&key));
            window.drain(..).for_each(|item| work(self, item));
        }
    }
}

#[cfg(test)]
mod tests;
