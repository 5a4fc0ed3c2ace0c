use super::lists::{List, Lists};
use crate::{
    clock::{Stamp, Time},
    crdt::traits::Place,
    id::ReplicaId,
    version::VersionVector,
};

/// The value that denotes no neighbor.
pub(super) const NONE: u32 = u32::MAX;

/// The entries of a map in the order of their writes, as a doubly linked list per writer. This
/// index makes the cost of a delta proportional to what changed.
///
/// An entry is in the list of the replica that wrote it last. Writes of a replica arrive in the
/// order of their times, so appending keeps a list sorted, and the entries newer than a version are
/// at the end of each list:
///
/// ```text
/// r1:  a@1 ── c@4 ── d@4 ── b@9      changes since {r1: 4, r2: 7}
/// r2:  e@3 ── f@7                    walk r1 back from its end to c@4 … d@4: b@9. r2 ends at 7:
/// nothing.
/// ```
///
/// If stamps arrive out of order, as can happen in a map outside a document, the list is marked as
/// unsorted and read from its start.
///
/// While a single replica has written every slot once, in slot order, there are no links, since the
/// slots are already sorted. So a map that is filled once and then only read needs no memory for
/// links. The first write that breaks this order creates all links.
///
/// With more than [`limits::REPLICAS`](crate::limits::REPLICAS) writers, one list has all entries,
/// and `since` visits each of them. Documents with that many writers are exchanged with a relay,
/// which needs no deltas by version.
///
/// The index knows slots and stamps, but no keys and values. It takes at most eight bytes per
/// entry. Every operation is O(1) plus a look-up among the replicas, except for iteration and the
/// writes that create the links and unite the lists.
#[derive(Clone, Default)]
pub(super) struct Recency {
    /// The number of slots.
    len: u32,
    /// The links of all slots, or empty.
    links: Vec<Link>,
    lists: Lists,
}

#[derive(Clone, Copy)]
struct Link {
    prev: u32,
    next: u32,
}

impl Recency {
    /// Appends a new slot, written at `stamp`.
    #[inline]
    pub(super) fn push(&mut self, stamp: Stamp) {
        let slot = self.len;
        self.len += 1;
        self.append(slot, stamp);
    }

    /// Moves a slot, previously written at `old`, to the end of the list of `new`.
    #[inline]
    pub(super) fn renew(&mut self, slot: u32, old: Stamp, new: Stamp) {
        if self.len == 1 {
            // The only slot leaves its list, so no list has an entry left.
            self.lists = Lists::default();
        } else {
            self.unlink(slot, old.replica);
        }
        self.append(slot, new);
    }

    /// Returns the position of a slot in its list.
    pub(super) fn place(&self, slot: u32) -> Place {
        let prev = self.link_of(slot).prev;
        Place((prev != NONE).then_some(prev))
    }

    /// Moves a slot, written at `now`, back to its previous position. Undo moves in reverse order,
    /// so that the neighbors are the same as before. `stamp_of` returns a slot's stamp; for this
    /// slot, the old one.
    pub(super) fn put_back(
        &mut self,
        slot: u32,
        now: Stamp,
        place: Place,
        stamp_of: &dyn Fn(u32) -> Stamp,
    ) {
        self.link_all(self.len);
        self.unlink(slot, now.replica);
        let stamp = stamp_of(slot);
        let prev = place.0.unwrap_or(NONE);
        let next = match prev {
            NONE => self.lists.of(stamp.replica).head,
            prev => self.link_of(prev).next,
        };
        self.set_link(slot, Link { prev, next });
        self.set_next(prev, slot, stamp.replica);
        self.set_prev(next, slot, stamp.replica);
        let in_order = (prev == NONE || stamp_of(prev).time <= stamp.time)
            && (next == NONE || stamp.time <= stamp_of(next).time);
        let list = self.lists.of(stamp.replica);
        list.sorted &= in_order;
        list.latest = list.latest.max(stamp.time);
    }

    /// Removes a slot. The last slot takes its index.
    pub(super) fn swap_remove(&mut self, slot: u32, stamp: Stamp, last_stamp: Stamp) {
        self.unlink(slot, stamp.replica);
        let last = self.len - 1;
        if slot != last {
            let moved = self.link_of(last);
            self.set_link(slot, moved);
            self.set_next(moved.prev, slot, last_stamp.replica);
            self.set_prev(moved.next, slot, last_stamp.replica);
        }
        self.links.pop();
        self.len = last;
    }

    /// Reads the links of a slot and its neighbors. The result exists only so that the reads are
    /// not optimized away.
    #[inline]
    pub(super) fn around(&self, slot: u32) -> u32 {
        let link_of = |slot: u32| self.links.get(slot as usize);
        let read = |at: u32| link_of(at).map_or(0, |link| link.prev ^ link.next);
        link_of(slot).map_or(0, |link| read(link.prev) ^ read(link.next))
    }

    /// Iterates over the slots written after `since`, by replica and then by time.
    ///
    /// `stamp_of` returns a slot's stamp.
    pub(super) fn since<'a>(
        &'a self,
        since: &'a VersionVector,
        stamp_of: impl Fn(u32) -> Stamp + Copy + 'a,
    ) -> impl Iterator<Item = u32> + 'a {
        self.lists.iter().flat_map(move |list| {
            let known = since.get(list.replica);
            // If no operation of the replica is known, a walk backwards would end at the head
            // anyway.
            let found = list.sorted && known > Time::ZERO;
            let first = if found {
                self.first_after(list, |slot| stamp_of(slot).time > known)
            } else {
                list.head
            };
            self.walk(first)
                .filter(move |&slot| found || !since.contains(stamp_of(slot)))
        })
    }

    /// Iterates over the slots at the end of the list of `stamp`'s replica that were written at
    /// `stamp`. If `stamp` is the latest stamp in the map, these are all slots written at it.
    pub(super) fn stamped(
        &self,
        stamp: Stamp,
        stamp_of: impl Fn(u32) -> Stamp,
    ) -> impl Iterator<Item = u32> {
        let first = match self.lists.get(stamp.replica) {
            // One transaction wrote the whole list, as the first one of a document does.
            Some(list) if list.head != NONE && stamp_of(list.head) == stamp => list.head,
            Some(list) => self.first_after(list, |slot| stamp_of(slot) == stamp),
            None => NONE,
        };
        self.walk(first)
    }

    /// Checks that all lists are linked in both directions, sorted if marked so, and contain each
    /// slot once.
    pub(super) fn assert_invariants(&self, stamp_of: impl Fn(u32) -> Stamp) {
        let mut seen = 0;
        assert!(
            self.lists.iter().is_sorted_by(|a, b| a.replica < b.replica),
            "the lists are sorted by replica"
        );
        assert!(
            self.links.is_empty() || self.links.len() == self.len as usize,
            "all slots have links, or none"
        );
        for list in self.lists.iter() {
            let mut prev = NONE;
            let mut time = None;
            for slot in self.walk(list.head) {
                let stamp = stamp_of(slot);
                assert!(
                    stamp.replica == list.replica || self.lists.is_common(),
                    "an entry is in its writer's list"
                );
                assert_eq!(
                    self.link_of(slot).prev,
                    prev,
                    "the links agree in both directions"
                );
                assert!(
                    !list.sorted || time <= Some(stamp.time),
                    "the list is sorted"
                );
                assert!(
                    stamp.time <= list.latest,
                    "no entry is later than its list's latest"
                );
                time = Some(stamp.time);
                prev = slot;
                seen += 1;
            }
            assert_eq!(list.tail, prev, "the tail is the last slot");
        }
        assert_eq!(seen, self.len, "every slot is in one list");
    }

    fn first_after(&self, list: &List, newer: impl Fn(u32) -> bool) -> u32 {
        let mut first = NONE;
        let mut at = list.tail;
        while at != NONE && newer(at) {
            first = at;
            at = self.link_of(at).prev;
        }
        first
    }

    fn walk(&self, first: u32) -> impl Iterator<Item = u32> + '_ {
        let mut at = first;
        std::iter::from_fn(move || {
            let slot = at;
            (slot != NONE).then(|| {
                at = self.link_of(slot).next;
                slot
            })
        })
    }

    /// Appends an unlinked slot to its writer's list.
    #[inline]
    fn append(&mut self, slot: u32, stamp: Stamp) {
        let found = self.lists.find(stamp.replica);
        let at = found.unwrap_or_else(|_| self.add_list(stamp.replica));
        let is_common = self.lists.is_common();
        let list = self.lists.at(at);
        let tail = std::mem::replace(&mut list.tail, slot);
        if tail == NONE {
            // An empty list starts again, as a sorted one.
            list.head = slot;
            list.sorted = !is_common;
            list.latest = stamp.time;
        } else {
            list.sorted &= stamp.time >= list.latest;
            list.latest = list.latest.max(stamp.time);
        }
        // The slot before the first is `NONE`, which is zero minus one.
        if self.links.is_empty() && tail == slot.wrapping_sub(1) {
            return;
        }
        self.link_all(slot);
        if let Some(before) = self.links.get_mut(tail as usize) {
            before.next = slot;
        }
        let link = Link {
            prev: tail,
            next: NONE,
        };
        match self.links.get_mut(slot as usize) {
            Some(known) => *known = link,
            None => self.links.push(link),
        }
    }

    /// Adds the list of a writer, or unites all lists if there are too many. Returns the position
    /// of the writer's list.
    #[cold]
    fn add_list(&mut self, replica: ReplicaId) -> usize {
        if self.lists.is_full() {
            self.unite_lists();
            return 0;
        }
        self.lists.add(replica)
    }

    /// Links the lists of all writers to one. O(writers).
    ///
    /// The entries of an open transaction are not among them, since its writer had no list.
    fn unite_lists(&mut self) {
        // Links exist, since there is more than one list.
        let (mut head, mut tail) = (NONE, NONE);
        for list in self.lists.iter().filter(|list| list.tail != NONE) {
            match self.links.get_mut(tail as usize) {
                Some(before) => before.next = list.head,
                None => head = list.head,
            }
            if let Some(first) = self.links.get_mut(list.head as usize) {
                first.prev = tail;
            }
            tail = list.tail;
        }
        self.lists.unite(head, tail);
    }

    /// Removes a slot from its writer's list.
    #[inline]
    fn unlink(&mut self, slot: u32, replica: ReplicaId) {
        // Removing the last slot keeps the others in order.
        if slot + 1 < self.len {
            self.link_all(self.len);
        }
        let Link { prev, next } = self.link_of(slot);
        self.set_next(prev, next, replica);
        self.set_prev(next, prev, replica);
    }

    /// If no links exist, links the first `count` slots, which form one list in slot order.
    #[inline]
    fn link_all(&mut self, count: u32) {
        if self.links.is_empty() {
            self.link_in_order(count);
        }
    }

    #[cold]
    fn link_in_order(&mut self, count: u32) {
        // Reserve for all slots; one more usually follows.
        self.links.reserve_exact(self.len as usize);
        self.links.extend((0..count).map(|slot| Link {
            prev: slot.wrapping_sub(1),
            next: if slot + 1 < count { slot + 1 } else { NONE },
        }));
    }

    #[inline]
    fn link_of(&self, slot: u32) -> Link {
        let in_order = || Link {
            prev: slot.wrapping_sub(1),
            next: if slot + 1 < self.len { slot + 1 } else { NONE },
        };
        self.links
            .get(slot as usize)
            .copied()
            .unwrap_or_else(in_order)
    }

    #[inline]
    fn set_link(&mut self, slot: u32, link: Link) {
        if let Some(known) = self.links.get_mut(slot as usize) {
            *known = link;
        }
    }

    /// Sets the successor of `slot`, or the head of `replica`'s list if `slot` is none.
    #[inline]
    fn set_next(&mut self, slot: u32, next: u32, replica: ReplicaId) {
        if slot == NONE {
            self.lists.of(replica).head = next;
        } else if let Some(link) = self.links.get_mut(slot as usize) {
            link.next = next;
        }
    }

    /// Sets the predecessor of `slot`, or the tail of `replica`'s list if `slot` is none.
    #[inline]
    fn set_prev(&mut self, slot: u32, prev: u32, replica: ReplicaId) {
        if slot == NONE {
            self.lists.of(replica).tail = prev;
        } else if let Some(link) = self.links.get_mut(slot as usize) {
            link.prev = prev;
        }
    }
}
