use crate::{
    clock::Stamp,
    crdt::{Stable, Value, lww_map::greater},
    id::Id,
    version::InlineVec,
};

/// The cells of one element: its tags, each with a value or removed.
///
/// Live and removed tags are in separate lists, each sorted by tag, so that removed ones cost a
/// reader nothing. Almost every element has one live tag, which is stored inline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TagCells<V> {
    live: InlineVec<Live<V>>,
    dead: Vec<(Id, Stamp)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live<V> {
    pub(crate) tag: Id,
    pub(crate) stamp: Stamp,
    pub(crate) value: V,
}

impl<V> Default for TagCells<V> {
    fn default() -> Self {
        Self {
            live: InlineVec::new(),
            dead: Vec::new(),
        }
    }
}

impl<V> TagCells<V> {
    /// Returns the cells with a value, in the order of their tags.
    pub(crate) fn live(&self) -> &[Live<V>] {
        &self.live
    }

    /// Returns the number of removed tags.
    pub(crate) fn tombstones(&self) -> usize {
        self.dead.len()
    }

    /// Returns whether there are no cells.
    pub(crate) fn is_empty(&self) -> bool {
        self.live.is_empty() && self.dead.is_empty()
    }

    /// Returns the stamp and the value of a cell. O(log tags).
    pub(crate) fn get(&self, tag: Id) -> Option<(Stamp, Option<&V>)> {
        if let Ok(at) = self.find(tag) {
            return self
                .live
                .get(at)
                .map(|cell| (cell.stamp, Some(&cell.value)));
        }
        let (_, stamp) = self.dead.get(self.find_dead(tag).ok()?)?;
        Some((*stamp, None))
    }

    /// Iterates over the cells, the live ones first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id, Stamp, Option<&V>)> {
        let live = self.live.iter();
        let live = live.map(|cell| (cell.tag, cell.stamp, Some(&cell.value)));
        live.chain(self.dead.iter().map(|&(tag, stamp)| (tag, stamp, None)))
    }

    /// Adds a cell, and replaces the one with its tag. O(tags).
    pub(crate) fn put(&mut self, tag: Id, stamp: Stamp, value: Option<V>) {
        self.remove(tag);
        match value {
            Some(value) => {
                let at = self.find(tag).unwrap_or_else(|at| at);
                self.live.insert(at, Live { tag, stamp, value });
            }
            None => {
                let at = self.find_dead(tag).unwrap_or_else(|at| at);
                self.dead.insert(at, (tag, stamp));
            }
        }
    }

    /// Removes a cell, even a tombstone. Returns whether there was one. O(tags).
    pub(crate) fn remove(&mut self, tag: Id) -> bool {
        if let Ok(at) = self.find(tag) {
            self.live.remove(at);
            return true;
        }
        let found = self.find_dead(tag);
        found.map(|at| self.dead.remove(at)).is_ok()
    }

    /// Forgets the tombstones that `stable` contains.
    pub(crate) fn forget_tombstones(&mut self, stable: Stable<'_>) {
        self.dead.retain(|(_, stamp)| !stable.contains(*stamp));
    }

    /// Moves the tombstones out.
    pub(crate) fn take_tombstones(&mut self) -> Vec<(Id, Stamp)> {
        std::mem::take(&mut self.dead)
    }

    fn find(&self, tag: Id) -> Result<usize, usize> {
        self.live.binary_search_by_key(&tag, |cell| cell.tag)
    }

    fn find_dead(&self, tag: Id) -> Result<usize, usize> {
        self.dead.binary_search_by_key(&tag, |(tag, _)| *tag)
    }

    pub(crate) fn assert_invariants(&self) {
        let tags = self.live.iter().map(|cell| cell.tag);
        assert!(tags.is_sorted_by(|a, b| a < b), "live tags are sorted");
        let tags = self.dead.iter().map(|(tag, _)| *tag);
        assert!(tags.is_sorted_by(|a, b| a < b), "removed tags are sorted");
        let both = |(tag, _): &(Id, Stamp)| self.find(*tag).is_ok();
        assert!(!self.dead.iter().any(both), "each tag has one cell");
    }
}

impl<V: Value> TagCells<V> {
    /// Joins a cell of another copy. Returns whether it won.
    pub(crate) fn join(&mut self, tag: Id, stamp: Stamp, value: Option<&V>) -> bool {
        let wins = self.get(tag).is_none_or(|(known, ours)| {
            stamp > known || stamp == known && greater(value, ours, &mut Vec::new())
        });
        if wins {
            self.put(tag, stamp, value.cloned());
        }
        wins
    }
}
