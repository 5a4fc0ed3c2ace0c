//! The exchange of outboxes between the tabs of a browser.

use super::{
    Pending, Replica,
    exchange::{Exchange, take},
};
use crate::{
    crdt::{Changes, Root},
    delta::Patch,
    error::Error,
    history::{Ack, Entry, EntryId, IdHead, IdHeads, Position, TabEntry},
    id::ReplicaId,
};

impl Pending {
    /// Returns whether the storage has the entry as it is.
    pub fn is_saved(&self) -> bool {
        !self.is_unsaved()
    }

    fn for_tabs(&self) -> TabEntry {
        // Cells that were accepted before exceed no limit.
        let seen = self.seen().ok().filter(|seen| !seen.is_empty());
        (self.entry.clone(), seen.unwrap_or_default())
    }
}

impl<S: Root> Replica<S> {
    /// Returns an entry of the outbox, for the other tabs.
    pub fn entry(&self, id: EntryId) -> Option<TabEntry> {
        let at = self.exchange.find(id)?;
        Some(self.exchange.entries.get(at)?.for_tabs())
    }

    /// Returns the outbox, for the other tabs.
    pub fn outbox(&self) -> Vec<TabEntry> {
        self.exchange
            .entries
            .iter()
            .map(Pending::for_tabs)
            .collect()
    }

    /// Returns the last entry of each id that this tab knows together with all entries before it.
    pub fn known_heads(&self) -> Vec<(ReplicaId, IdHead)> {
        let mut known = self.exchange.settled.clone();
        for entry in self.exchange.entries.iter().map(Pending::entry) {
            let EntryId { replica, number } = entry.id;
            let before = known.get(replica);
            if before.number == 0 || before.number + 1 == number {
                known.raise(replica, entry.head(before));
            }
        }
        known.list().to_vec()
    }

    /// Returns what another tab lacks, which knows `known` ([`known_heads`](Replica::known_heads)):
    /// entries of the outbox, and the last entry of each id that has left it.
    pub fn outbox_after(
        &self,
        known: &[(ReplicaId, IdHead)],
    ) -> (Vec<TabEntry>, Vec<(ReplicaId, IdHead)>) {
        let mut heads = IdHeads::default();
        heads.put_all(known);
        let entries = self.exchange.entries.iter();
        let lacking = entries.filter(|one| one.id().number > heads.get(one.id().replica).number);
        let mut settled = self.settled_heads();
        settled.retain(|(replica, head)| head.number > heads.get(*replica).number);
        (lacking.map(Pending::for_tabs).collect(), settled)
    }

    /// Returns the entries of the outbox, each with the number of its changes.
    pub fn revisions(&self) -> Vec<(EntryId, u32)> {
        let entries = self.exchange.entries.iter();
        entries.map(|one| (one.id(), one.revision)).collect()
    }

    /// Returns what has changed since the outbox had these [revisions](Replica::revisions), for the
    /// other tabs.
    pub fn changed_since(&self, before: &[(EntryId, u32)]) -> OutboxChange {
        self.exchange.changed_since(before)
    }

    /// Returns the last entry of each id that has left this tab's outbox, since the relay has it.
    pub fn settled_heads(&self) -> Vec<(ReplicaId, IdHead)> {
        self.exchange.settled.list().to_vec()
    }

    /// Returns the number of entries that were never stored, except those that other tabs store.
    pub fn unsaved_entries(&self) -> usize {
        let entries = self.exchange.entries.iter();
        let unsaved = entries.filter(|one| one.saved.is_none() && !one.is_foreign);
        unsaved.count()
    }

    /// Takes over the entries of other tabs that the relay lacks: this tab stores them too, and may
    /// send them afterwards. Returns the ids of all entries that the relay lacks.
    pub fn adopt_entries(&mut self) -> Vec<EntryId> {
        let mut names = Vec::new();
        for one in &mut self.exchange.entries {
            if one.entry.stored.is_none() {
                one.is_foreign = false;
                names.push(one.id());
            }
        }
        names
    }

    /// Returns whether the document and the relay were equal when the relay last answered. Unlike
    /// [`is_synced`](Replica::is_synced), it may be true without a session.
    pub fn is_current(&self) -> bool {
        self.exchange.is_current()
    }

    /// Joins the [outbox](Replica::outbox) and the [heads](Replica::settled_heads) of another tab.
    pub fn join_outbox(&mut self, entries: &[TabEntry], heads: &[(ReplicaId, IdHead)]) -> Changes {
        let mut changes = Changes::new();
        for (entry, seen) in entries {
            changes.append(self.exchange.join_unordered(&mut self.doc, entry, seen));
        }
        for (replica, head) in heads {
            self.exchange.settled.raise(*replica, *head);
        }
        changes
    }

    /// Replaces entries that another tab has restamped, and restamps later ones that the other tab
    /// does not know. Ignores entries that are not in the outbox.
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn replace_entries(&mut self, entries: &[TabEntry]) -> Result<Changes, Error> {
        self.exchange.replace_entries(&mut self.doc, entries)
    }

    /// Records that the relay has acknowledged entries to another tab.
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn stored_elsewhere(&mut self, ack: &Ack) -> Result<Changes, Error> {
        for one in &mut self.exchange.entries {
            if one.entry.stored.is_none()
                && let Some(sequence) = ack.sequence(&one.entry)
            {
                let epoch = ack.state.epoch();
                // The other tab may have sent other stamps.
                one.entry.stored = Some(Position { epoch, sequence });
                one.revision += 1;
            }
        }
        self.exchange.remove_passed(&mut self.doc)
    }

    /// Removes entries that another tab has moved to a derived id.
    pub fn moved_elsewhere(&mut self, ids: &[EntryId]) -> Changes {
        let exchange = &mut self.exchange;
        if exchange
            .own
            .is_some_and(|(own, _)| ids.iter().any(|id| id.replica == own.replica))
        {
            // The next transaction draws a new id.
            exchange.own = None;
        }
        exchange.remove_contained(&mut self.doc, &|one| ids.contains(&one.id()))
    }

    /// Draws a new id for the next transaction.
    pub fn renew_id(&mut self) {
        self.exchange.own = None;
    }

    /// Moves the entries of an id that the relay does not have to a derived id, because the relay
    /// has bound the id to another user. O(cells of the outbox).
    ///
    /// # Errors
    ///
    /// If a limit is exceeded, which cannot happen for cells of a document.
    pub fn move_to_derived_id(&mut self, id: ReplicaId) -> Result<Changes, Error> {
        let exchange = &mut self.exchange;
        if exchange.own.is_some_and(|(own, _)| own.replica == id) {
            // The next transaction draws a new id.
            exchange.own = None;
        }
        let moved = take(&mut exchange.entries, &|one| {
            one.id().replica == id && one.entry.stored.is_none()
        });
        exchange.move_entries(&mut self.doc, &moved)
    }
}

/// A change of the outbox that concerns the other tabs.
#[derive(Default)]
#[non_exhaustive]
pub struct OutboxChange {
    /// The entries that have left the outbox, if others were added: they were moved.
    pub moved: Vec<EntryId>,
    /// The entries that were added.
    pub added: Vec<TabEntry>,
    /// The entries that have other cells.
    pub replaced: Vec<TabEntry>,
}

impl Exchange {
    fn changed_since(&self, before: &[(EntryId, u32)]) -> OutboxChange {
        let mut change = OutboxChange::default();
        for one in &self.entries {
            let known = before.iter().find(|(id, _)| *id == one.id());
            match known {
                None => change.added.push(one.for_tabs()),
                Some((_, revision)) if *revision != one.revision => {
                    change.replaced.push(one.for_tabs());
                }
                Some(_) => {}
            }
        }
        if !change.added.is_empty() {
            let moved = before.iter().map(|(id, _)| *id);
            change.moved = moved.filter(|id| self.find(*id).is_none()).collect();
        }
        change
    }

    /// Joins another tab's entry even if earlier entries of its id are missing. Does nothing if the
    /// entry is known.
    fn join_unordered(
        &mut self,
        doc: &mut dyn crate::doc::cells::DocCells,
        entry: &Entry,
        seen: &Patch,
    ) -> Changes {
        if self.has_known(entry.id) {
            return Changes::new();
        }
        self.add_foreign(doc, entry.clone(), seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Clock, LwwMap,
        clock::ManualTime,
        replica::{EntryJoin, Readiness},
    };

    type Board = LwwMap<u32, u32>;

    fn replica(now_ms: u64) -> (Replica<Board>, ManualTime) {
        let time = ManualTime::at(now_ms);
        let clock = Clock::new(ReplicaId::default(), time.clone());
        (Replica::new(clock), time)
    }

    fn edit(replica: &mut Replica<Board>, key: u32, value: u32) -> EntryId {
        let written = replica.transact(|tx| tx.insert(key, value)).unwrap();
        written.entry.unwrap().id
    }

    const NOW_MS: u64 = 1_800_000_000_000;

    #[test]
    fn a_tab_that_missed_an_edit_takes_the_whole_outbox_of_the_other_tab() {
        let (mut one, _) = replica(NOW_MS);
        let (mut two, _) = replica(NOW_MS);
        edit(&mut one, 1, 1);
        let second = edit(&mut one, 2, 2);
        let (entry, seen) = one.entry(second).unwrap();
        assert_eq!(two.join_entry(entry, &seen), EntryJoin::Gap);
        assert!(two.doc().state().is_empty());
        two.join_outbox(&one.outbox(), &one.settled_heads());
        assert_eq!(two.doc().state(), one.doc().state());
        assert_eq!(two.outbox(), one.outbox());
    }

    #[test]
    fn an_edit_restamped_in_one_tab_does_not_beat_later_edits_in_another() {
        let day = 24 * 3_600_000;
        let (mut one, clock) = replica(NOW_MS + day);
        let (mut two, _) = replica(NOW_MS);
        let id = edit(&mut one, 1, 1);
        two.join_outbox(&one.outbox(), &[]);
        clock.set(NOW_MS);
        one.restamp(id, crate::Time::try_from_ms(NOW_MS).unwrap())
            .unwrap();
        two.replace_entries(&one.outbox()).unwrap();
        let later = edit(&mut two, 1, 2);
        let time = two.entry(later).unwrap().0.time;
        assert!(time < crate::Time::try_from_ms(NOW_MS + day / 2).unwrap());
        assert_eq!(two.doc().state().get(&1), Some(&2));
    }

    /// The other tab's edit was not stored, so the new page hears of it after it has loaded its
    /// own.
    #[test]
    fn an_edit_stays_later_than_the_one_that_it_replaced_although_that_one_is_heard_of_later() {
        let hour = 3_600_000;
        let (mut one, _) = replica(NOW_MS + hour);
        let (mut two, _) = replica(NOW_MS + hour);
        edit(&mut one, 2, 1);
        let first = edit(&mut one, 1, 1);
        two.join_outbox(&one.outbox(), &[]);
        let second = edit(&mut two, 1, 2);
        let (mut page, time) = replica(NOW_MS + hour);
        page.join_outbox(&[two.entry(second).unwrap()], &[]);
        page.join_outbox(&one.outbox(), &[]);
        assert_eq!(page.entries()[2].entry().id, second);
        time.set(NOW_MS);
        let window = crate::clock::Window {
            now_ms: NOW_MS,
            ..crate::clock::Window::default()
        };
        page.restamp_ahead(window).unwrap();
        let times = [first, second].map(|id| page.entry(id).unwrap().0.time);
        assert!(times[0] < times[1] && times[1].ms() < NOW_MS + hour);
        assert_eq!(page.doc().state().get(&1), Some(&2));
    }

    /// The relay has rejected the edit when another tab sent it, and accepted it from this tab.
    #[test]
    fn an_edit_that_was_rolled_back_is_shown_again_when_the_relay_has_it() {
        let (mut one, _) = replica(NOW_MS);
        let id = edit(&mut one, 1, 1);
        assert_eq!(one.next_entries(1_000, 9).len(), 1);
        one.reject_elsewhere(id).unwrap();
        assert!(one.doc().state().is_empty());
        let ack = Ack {
            id,
            count: 1,
            first: crate::history::Sequence::new(1),
            state: crate::history::RelayState::default(),
        };
        one.acknowledged(&ack).unwrap();
        assert_eq!(one.doc().state().get(&1), Some(&1));
    }

    #[test]
    fn entries_that_are_not_due_hold_back_the_later_ones_of_their_id() {
        let (mut one, _) = replica(NOW_MS);
        let (mut two, _) = replica(NOW_MS);
        let first = edit(&mut two, 1, 1);
        edit(&mut two, 2, 2);
        edit(&mut one, 3, 3);
        one.join_outbox(&two.outbox(), &[]);
        let due =
            one.next_due_entries(1_000, 9, &mut |pending| match pending.entry().id == first {
                true => Readiness::Waiting,
                false => Readiness::Ready,
            });
        let keys: Vec<_> = due.iter().map(|entry| entry.id.replica).collect();
        assert_eq!(keys, [one.own_id().unwrap()]);
        assert_eq!(
            one.next_due_entries(1_000, 9, &mut |_| Readiness::Ready)
                .len(),
            2
        );
        assert!(
            one.next_due_entries(1_000, 9, &mut |_| Readiness::Ready)
                .is_empty()
        );
    }

    #[test]
    fn a_document_without_a_relay_is_offered_to_a_relay_that_it_gets_later() {
        let (mut one, _) = replica(NOW_MS);
        edit(&mut one, 1, 1);
        one.absorb_entries();
        assert_eq!(one.entries().len(), 1, "it is not stored");
        let saved = one.write(false);
        one.note_saved(saved);
        one.absorb_entries();
        assert!(one.entries().is_empty());
        assert!(one.start().comparing);
        assert_eq!(one.doc().state().get(&1), Some(&1));
        let parts = one.base_parts(1_000).unwrap();
        assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), 1);
    }
}
