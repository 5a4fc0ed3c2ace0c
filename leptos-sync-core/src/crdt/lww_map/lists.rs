use super::recency::NONE;
use crate::{clock::Time, id::ReplicaId, version::InlineVec};

/// The list of a writer: its head and tail, and whether its times are sorted.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) replica: ReplicaId,
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) latest: Time,
    pub(super) sorted: bool,
}

/// The lists of all writers, sorted by replica.
#[derive(Clone, Default)]
pub(super) struct Lists(InlineVec<List>);

impl Lists {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, List> {
        self.0.iter()
    }

    /// Returns the list of `replica`, if it has one.
    pub(super) fn get(&self, replica: ReplicaId) -> Option<&List> {
        let found = self.0.binary_search_by_key(&replica, |list| list.replica);
        self.0.get(found.ok()?)
    }

    /// Returns the list of `replica`, and creates it if it is new.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the position was just found or inserted"
    )]
    pub(super) fn of(&mut self, replica: ReplicaId) -> &mut List {
        let found = self.0.binary_search_by_key(&replica, |list| list.replica);
        let at = found.unwrap_or_else(|_| self.add(replica));
        &mut self.0[at]
    }

    /// Adds a list and returns its position. Replaces the list of a writer without entries.
    #[cold]
    fn add(&mut self, replica: ReplicaId) -> usize {
        let list = List {
            replica,
            head: NONE,
            tail: NONE,
            latest: Time::ZERO,
            sorted: true,
        };
        if self.0.iter().any(|list| list.tail == NONE) {
            let mut in_use = InlineVec::new();
            let used = self.0.iter().filter(|list| list.tail != NONE);
            used.for_each(|&list| in_use.push(list));
            self.0 = in_use;
        }
        let at = self.0.partition_point(|known| known.replica < replica);
        self.0.insert(at, list);
        at
    }
}
