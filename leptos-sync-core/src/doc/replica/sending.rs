use super::{Pending, Replica, pending::Flight};
use crate::{
    codec::CellRef,
    crdt::{Quarantine, Root},
    history::Entry,
    path::Path,
};

/// Whether a tab may send an entry of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    /// The tab may send it.
    Ready,
    /// The tab sends it later, unless another tab does.
    Waiting,
    /// No tab may send it for now. It does not hold back the entries of other ids.
    Withheld,
}

impl<S: Root> Replica<S> {
    /// Returns the next entries to send, in order: at most `count` and about `bytes`, but at least
    /// one if there is one. They are on their way until they are answered or the session ends.
    ///
    /// An entry waits for earlier ones of other ids that write one of its paths, until they have
    /// left the outbox. Another tab may have restamped them before it sent them, and an entry must
    /// be later than what it replaced.
    pub fn next_entries(&mut self, bytes: usize, count: usize) -> Vec<Entry> {
        self.next_due_entries(bytes, count, &mut |_| Readiness::Ready)
    }

    /// Returns the next entries to send among those that are ready, as
    /// [`next_entries`](Replica::next_entries) does. After an entry that is not ready, no later one
    /// of its id is returned. O(entries), and O(cells) of those of several ids.
    pub fn next_due_entries(
        &mut self,
        bytes: usize,
        count: usize,
        readiness: &mut dyn FnMut(&Pending) -> Readiness,
    ) -> Vec<Entry> {
        let entries = &mut self.exchange.entries;
        let first = entries.first().map(|one| one.id().replica);
        let is_mixed = entries.iter().any(|one| Some(one.id().replica) != first);
        let (mut next, mut room, mut waiting) = (Vec::new(), bytes, Vec::new());
        let mut earlier = Quarantine::default();
        for one in entries {
            let readiness = readiness(one);
            let is_held_back = is_mixed && one.follows_others(&earlier);
            if is_mixed && readiness != Readiness::Withheld {
                earlier.note_paths(one.entry.cells.cells());
            }
            if one.entry.stored.is_some() || !matches!(one.flight, Flight::None) {
                continue;
            }
            let replica = one.entry.id.replica;
            if waiting.contains(&replica) || readiness != Readiness::Ready {
                waiting.push(replica);
                continue;
            }
            let size = one.entry.cells.bytes();
            let is_full = next.len() >= count || (!next.is_empty() && size > room);
            if is_held_back || is_full {
                break;
            }
            room = room.saturating_sub(size);
            one.flight = Flight::Same;
            next.push(one.entry.clone());
        }
        next
    }
}

impl Pending {
    /// Returns whether an entry of another id wrote one of the entry's paths last.
    fn follows_others(&self, earlier: &Quarantine) -> bool {
        let mut found = false;
        let mut each = |parent: Path<'_>, cell: CellRef<'_>| {
            let last = earlier.get(&cell.path(parent));
            found |= last.is_some_and(|last| last.stamp.replica != cell.stamp.replica);
        };
        self.entry.cells.cells().for_each(&mut each);
        found
    }
}
