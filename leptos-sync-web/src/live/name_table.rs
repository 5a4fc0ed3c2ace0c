use leptos_sync_core::internal::Positions;

/// Values by name: a list, and a hash table of positions in it.
///
/// Core's maps have the same hash table, so a page contains most of its code once.
pub(super) struct NameTable<T> {
    entries: Vec<(Vec<u8>, T)>,
    positions: Positions,
}

impl<T> NameTable<T> {
    pub(super) fn get(&self, name: &[u8]) -> Option<&T> {
        let at = self.position(name)?;
        self.entries.get(at as usize).map(|(_, value)| value)
    }

    /// Adds a value, or replaces the one of this name.
    pub(super) fn insert(&mut self, name: Vec<u8>, value: T) {
        if let Some(at) = self.position(&name)
            && let Some((_, known)) = self.entries.get_mut(at as usize)
        {
            *known = value;
            return;
        }
        let hash = hash(&name);
        let at = self.entries.len() as u32;
        self.entries.push((name, value));
        let Self { entries, positions } = self;
        positions.insert(hash, at, &|at| hash_at(entries, at));
    }

    /// Removes the value of this name. Removing the last one releases the memory.
    pub(super) fn remove(&mut self, name: &[u8]) {
        let Some(at) = self.position(name) else {
            return;
        };
        let Self { entries, positions } = self;
        let last = entries.len() as u32 - 1;
        positions.swap_remove(at, last, &|at| hash_at(entries, at));
        entries.swap_remove(at as usize);
        if entries.is_empty() {
            *self = Self::default();
        }
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn position(&self, name: &[u8]) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let is_here = |at| {
            let entry = self.entries.get(at as usize);
            entry.is_some_and(|(known, _)| known == name)
        };
        self.positions.find(hash(name), is_here)
    }
}

impl<T> Default for NameTable<T> {
    fn default() -> Self {
        Self {
            entries: Vec::new(),
            positions: Positions::default(),
        }
    }
}

fn hash_at<T>(entries: &[(Vec<u8>, T)], at: u32) -> u64 {
    let entry = entries.get(at as usize);
    entry.map_or(0, |(name, _)| hash(name))
}

/// FNV-1a, whose halves are combined: in a browser, a table uses the lower half.
#[cfg_attr(target_arch = "wasm32", inline(never))]
fn hash(name: &[u8]) -> u64 {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn names_find_their_values_whatever_is_added_and_removed() {
        let (mut table, mut model) = (NameTable::default(), BTreeMap::new());
        let mut random = 1_u64;
        for step in 0..20_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let name = ((random >> 33) % 500).to_string().into_bytes();
            match (random >> 60) < 8 {
                true => {
                    table.insert(name.clone(), step);
                    model.insert(name, step);
                }
                false => {
                    table.remove(&name);
                    model.remove(&name);
                }
            }
            assert_eq!(table.values().count(), model.len());
        }
        for n in 0..500 {
            let name = n.to_string().into_bytes();
            assert_eq!(table.get(&name), model.get(&name));
        }
        for name in model.keys() {
            table.remove(name);
        }
        assert!(table.is_empty() && table.positions.is_empty());
    }
}
