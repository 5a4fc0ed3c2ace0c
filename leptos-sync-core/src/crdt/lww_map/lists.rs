use super::recency::NONE;
use crate::{clock::Time, id::ReplicaId, limits, version::InlineVec};

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
///
/// A document that is exchanged with a relay may have any number of writers, so that finding and
/// adding a list would take ever more time and memory. With more than [`limits::REPLICAS`] writers,
/// all entries are in one list, in the order of their arrival.
#[derive(Clone, Default)]
pub(super) struct Lists {
    lists: InlineVec<List>,
    /// Whether the only list has the entries of all writers.
    common: bool,
}

impl Lists {
    pub(super) fn iter(&self) -> std::slice::Iter<'_, List> {
        self.lists.iter()
    }

    /// Returns whether one list has the entries of all writers.
    pub(super) fn is_common(&self) -> bool {
        self.common
    }

    /// Returns whether another list would exceed the limit.
    pub(super) fn is_full(&self) -> bool {
        self.lists.len() >= limits::REPLICAS
    }

    /// Replaces all lists with one, which has all entries.
    pub(super) fn unite(&mut self, head: u32, tail: u32) {
        let mut lists = InlineVec::new();
        lists.push(List {
            replica: ReplicaId::new(0),
            head,
            tail,
            latest: Time::new(u64::MAX),
            sorted: false,
        });
        self.lists = lists;
        self.common = true;
    }

    /// Returns the list of `replica`, if it has one.
    pub(super) fn get(&self, replica: ReplicaId) -> Option<&List> {
        self.lists.get(self.find(replica).ok()?)
    }

    /// Returns the list of `replica`, and creates it if it is new.
    #[inline]
    pub(super) fn of(&mut self, replica: ReplicaId) -> &mut List {
        let at = self.find(replica).unwrap_or_else(|_| self.add(replica));
        self.at(at)
    }

    /// Returns the list at a position that was just found or added.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the position was just found or added"
    )]
    pub(super) fn at(&mut self, at: usize) -> &mut List {
        &mut self.lists[at]
    }

    /// Returns the position of the list of `replica`, or the position at which it belongs.
    #[inline]
    pub(super) fn find(&self, replica: ReplicaId) -> Result<usize, usize> {
        let found = self
            .lists
            .binary_search_by_key(&replica, |list| list.replica);
        // Almost every search finds a list of its writer.
        found.or_else(|at| if self.common { Ok(0) } else { Err(at) })
    }

    /// Adds a list and returns its position. Replaces the list of a writer without entries.
    #[cold]
    pub(super) fn add(&mut self, replica: ReplicaId) -> usize {
        let list = List {
            replica,
            head: NONE,
            tail: NONE,
            latest: Time::ZERO,
            sorted: true,
        };
        if self.lists.iter().any(|list| list.tail == NONE) {
            let mut in_use = InlineVec::new();
            let used = self.lists.iter().filter(|list| list.tail != NONE);
            used.for_each(|&list| in_use.push(list));
            self.lists = in_use;
        }
        let at = self.lists.partition_point(|known| known.replica < replica);
        self.lists.insert(at, list);
        at
    }
}
