use crate::{
    clock::{Stamp, Time},
    crdt::traits::Place,
    id::ReplicaId,
    order::heap_sort,
    version::VersionVector,
};

/// The order of writes in a page, which exchanges its documents without versions.
///
/// It knows the entries of the latest transaction. To find the changes since a version, it reads
/// all stamps, and sorts those that it finds. Lists of all writes, which native builds have, would
/// take 4 KB of a page and up to eight bytes per entry.
#[derive(Clone, Default)]
pub(super) struct Recency {
    /// The number of slots.
    len: u32,
    latest: Stamp,
    /// The slots that were written at `latest`, unless slots were moved or put back since.
    written: Vec<u32>,
    is_incomplete: bool,
}

impl Recency {
    /// Appends a new slot, written at `stamp`.
    pub(super) fn push(&mut self, stamp: Stamp) {
        let slot = self.len;
        self.len += 1;
        self.write(slot, stamp);
    }

    /// Records that a slot was written at `new`.
    pub(super) fn renew(&mut self, slot: u32, _: Stamp, new: Stamp) {
        self.write(slot, new);
    }

    #[inline(never)]
    fn write(&mut self, slot: u32, stamp: Stamp) {
        if self.latest != stamp {
            self.latest = stamp;
            self.written.clear();
            self.is_incomplete = false;
        }
        self.written.push(slot);
    }

    pub(super) fn place(&self, _: u32) -> Place {
        Place::default()
    }

    pub(super) fn put_back(&mut self, _: u32, _: Stamp, _: Place, _: &dyn Fn(u32) -> Stamp) {
        self.is_incomplete = true;
    }

    /// Removes a slot. The last slot takes its index.
    pub(super) fn swap_remove(&mut self, _: u32, _: Stamp, _: Stamp) {
        self.len -= 1;
        self.is_incomplete = true;
    }

    pub(super) fn around(&self, _: u32) -> u32 {
        0
    }

    /// Iterates over the slots written after `since`, by replica and then by time.
    ///
    /// `stamp_of` returns a slot's stamp.
    pub(super) fn since<'a>(
        &'a self,
        since: &'a VersionVector,
        stamp_of: impl Fn(u32) -> Stamp + Copy + 'a,
    ) -> impl Iterator<Item = u32> + 'a {
        let slots = sorted(self.len, since, &stamp_of);
        slots.into_iter().map(|(.., slot)| slot)
    }

    /// Iterates over the slots that were written at `stamp`, the latest one in the map.
    pub(super) fn stamped(
        &self,
        stamp: Stamp,
        stamp_of: impl Fn(u32) -> Stamp,
    ) -> impl Iterator<Item = u32> {
        let written = match self.latest == stamp && !self.is_incomplete {
            true => self.written.as_slice(),
            false => &[],
        };
        let others = match written {
            [] => self.len,
            _ => 0,
        };
        let slots = written.iter().copied().chain(0..others);
        slots.filter(move |slot| stamp_of(*slot) == stamp)
    }

    pub(super) fn assert_invariants(&self, stamp_of: impl Fn(u32) -> Stamp) {
        let written = (0..self.len).filter(|slot| stamp_of(*slot) == self.latest);
        assert!(
            self.is_incomplete || written.count() == self.written.len(),
            "the entries of the latest transaction are known"
        );
    }
}

/// Returns the slots that were written after `since`, sorted.
// Not generic, so that a page contains it once.
#[inline(never)]
fn sorted(
    len: u32,
    since: &VersionVector,
    stamp_of: &dyn Fn(u32) -> Stamp,
) -> Vec<(ReplicaId, Time, u32)> {
    let mut slots = Vec::new();
    for slot in 0..len {
        let stamp = stamp_of(slot);
        if !since.contains(stamp) {
            slots.push((stamp.replica, stamp.time, slot));
        }
    }
    heap_sort(&mut slots, |one, two| one < two);
    slots
}
