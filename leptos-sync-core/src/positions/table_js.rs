use super::HashAt;

/// A set of positions in a list, by the hash of the item at each, for a page.
///
/// It is a hash table with linear probing, in which at least half of the slots are free. hashbrown
/// compares fewer items, but takes 0.9 KB more of a page.
#[derive(Clone, Default)]
pub struct Positions {
    /// Each slot contains a position plus one, or 0 if it is free. Their number is 0 or a power of
    /// two.
    slots: Vec<u32>,
    len: usize,
}

impl Positions {
    /// Returns the number of positions.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there is no position.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the position for which `is_here` returns true, which has this hash.
    pub fn find(&self, hash: u64, is_here: impl Fn(u32) -> bool) -> Option<u32> {
        for at in self.slots_from(hash as usize) {
            let position = self.slots.get(at)?.checked_sub(1)?;
            if is_here(position) {
                return Some(position);
            }
        }
        None
    }

    /// Reserves space for `additional` positions.
    pub fn reserve(&mut self, additional: usize, hash_at: HashAt<'_>) {
        let least = 2 * (self.len + additional);
        if self.slots.len() < least {
            let slots = vec![0; least.next_power_of_two()];
            for found in std::mem::replace(&mut self.slots, slots) {
                if let Some(position) = found.checked_sub(1) {
                    self.put(hash_at(position), position);
                }
            }
        }
    }

    /// Adds a position of this hash, which the set does not contain.
    pub fn insert(&mut self, hash: u64, position: u32, hash_at: HashAt<'_>) {
        self.reserve(1, hash_at);
        self.put(hash, position);
        self.len += 1;
    }

    /// Removes the position `slot`. The item at `last` is about to move to `slot`.
    pub fn swap_remove(&mut self, slot: u32, last: u32, hash_at: HashAt<'_>) {
        let mut free = self.slot_of(hash_at(slot), slot);
        if slot != last {
            let at = self.slot_of(hash_at(last), last);
            self.set(at, slot + 1);
        }
        // Move each following position to the free slot, unless its probes start after that slot.
        for at in self.slots_from(free + 1) {
            let Some(position) = self.slots.get(at).and_then(|found| found.checked_sub(1)) else {
                break;
            };
            let hash = hash_at(if position == slot { last } else { position });
            let mask = self.slots.len() - 1;
            if at.wrapping_sub(hash as usize) & mask >= at.wrapping_sub(free) & mask {
                self.set(free, position + 1);
                free = at;
            }
        }
        self.set(free, 0);
        self.len -= 1;
    }

    fn put(&mut self, hash: u64, position: u32) {
        let at = self.slot_of(hash, position);
        self.set(at, position + 1);
    }

    /// Returns the slot with a position, or the free slot for it.
    fn slot_of(&self, hash: u64, position: u32) -> usize {
        let is_it = |at: &usize| {
            let found = self.slots.get(*at);
            found.is_none_or(|found| *found == 0 || *found == position + 1)
        };
        self.slots_from(hash as usize).find(is_it).unwrap_or(0)
    }

    fn set(&mut self, at: usize, found: u32) {
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = found;
        }
    }

    /// Iterates over the slots from the one at `start`, again and again.
    fn slots_from(&self, start: usize) -> impl Iterator<Item = usize> + use<> {
        let mask = self.slots.len().wrapping_sub(1);
        (0..).map(move |step| start.wrapping_add(step) & mask)
    }
}
