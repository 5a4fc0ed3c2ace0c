use super::recency::NONE;
use crate::{clock::Stamp, id::ReplicaId};

/// The list of one writer: where it begins and ends, and whether its times only rose.
#[derive(Clone, Copy)]
pub(super) struct List {
    pub(super) replica: ReplicaId,
    pub(super) head: u32,
    pub(super) tail: u32,
    pub(super) latest: Stamp,
    pub(super) sorted: bool,
}

/// The writers' lists, sorted by replica. Most maps have one writer, whose list needs no allocation.
#[derive(Clone)]
pub(super) enum Lists {
    One(List),
    Many(Vec<List>),
}

impl Default for Lists {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Lists {
    #[inline]
    pub(super) fn as_slice(&self) -> &[List] {
        match self {
            Self::One(list) => std::slice::from_ref(list),
            Self::Many(lists) => lists,
        }
    }

    /// The list of `replica`, made if it is new.
    #[inline]
    #[expect(
        clippy::indexing_slicing,
        reason = "the position was just found or filled"
    )]
    pub(super) fn of(&mut self, replica: ReplicaId) -> &mut List {
        let at = self.position(replica).unwrap_or_else(|_| self.add(replica));
        match self {
            Self::One(list) => list,
            Self::Many(lists) => &mut lists[at],
        }
    }

    #[inline]
    fn position(&self, replica: ReplicaId) -> Result<usize, usize> {
        self.as_slice()
            .binary_search_by_key(&replica, |list| list.replica)
    }

    /// Returns the position of the new list. A writer of whom nothing is left makes room for it.
    fn add(&mut self, replica: ReplicaId) -> usize {
        let list = List {
            replica,
            head: NONE,
            tail: NONE,
            latest: Stamp::ZERO,
            sorted: true,
        };
        let in_use = |list: &List| list.tail != NONE;
        let mut lists = match std::mem::take(self) {
            Self::One(one) => Vec::from_iter(in_use(&one).then_some(one)),
            Self::Many(lists) => lists,
        };
        lists.retain(in_use);
        if lists.is_empty() {
            *self = Self::One(list);
            return 0;
        }
        let at = lists.partition_point(|known| known.replica < replica);
        lists.insert(at, list);
        *self = Self::Many(lists);
        at
    }
}
