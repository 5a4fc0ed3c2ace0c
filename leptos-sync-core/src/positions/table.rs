use hashbrown::HashTable;

use super::HashAt;

/// A set of positions in a list, by the hash of the item at each.
///
/// Positions are 32-bit, so a bucket takes five bytes, and growth moves no items.
#[derive(Clone, Default)]
pub struct Positions(HashTable<u32>);

impl Positions {
    /// Returns the number of positions.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns whether there is no position.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the position for which `is_here` returns true, which has this hash.
    #[inline(always)]
    pub fn find(&self, hash: u64, is_here: impl Fn(u32) -> bool) -> Option<u32> {
        self.0.find(hash, |&at| is_here(at)).copied()
    }

    /// Reserves space for `additional` positions.
    pub fn reserve(&mut self, additional: usize, hash_at: HashAt<'_>) {
        self.0.reserve(additional, |&at| hash_at(at));
    }

    /// Adds a position of this hash, which the set does not contain.
    #[inline]
    pub fn insert(&mut self, hash: u64, position: u32, hash_at: HashAt<'_>) {
        self.0.insert_unique(hash, position, |&at| hash_at(at));
    }

    /// Removes the position `slot`. The item at `last` is about to move to `slot`.
    pub fn swap_remove(&mut self, slot: u32, last: u32, hash_at: HashAt<'_>) {
        if let Ok(bucket) = self.0.find_entry(hash_at(slot), |&at| at == slot) {
            bucket.remove();
        }
        if slot != last
            && let Some(at) = self.0.find_mut(hash_at(last), |&at| at == last)
        {
            *at = slot;
        }
    }
}
