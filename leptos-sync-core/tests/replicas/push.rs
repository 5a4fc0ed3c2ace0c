//! The relay's side of an outbox.

use leptos_sync_core::{
    Time,
    history::{Ack, Entry, EntryId, Sequence},
};

use super::{
    oracle::{Oracle, cells_of},
    relay::{Relay, ms},
};

/// The relay's answer to one entry.
#[derive(Debug)]
pub(crate) enum Pushed {
    Ack(Ack),
    Gap,
    /// The time is wrong. The earliest one that the relay takes.
    Time(EntryId, Time),
    Rejected(EntryId),
}

impl Relay {
    /// Takes entries in order. After one of an id that it does not take, it takes no more of it.
    pub(crate) fn push(&mut self, entries: &[Entry], oracle: &mut Oracle) -> Vec<Pushed> {
        let mut answers = Vec::new();
        let mut stopped = Vec::new();
        for entry in entries {
            if stopped.contains(&entry.id.replica) {
                continue;
            }
            let answer = self.push_one(entry, oracle);
            if !matches!(answer, Pushed::Ack(_)) {
                stopped.push(entry.id.replica);
            }
            answers.push(answer);
        }
        answers
    }

    fn push_one(&mut self, entry: &Entry, oracle: &mut Oracle) -> Pushed {
        entry.check().unwrap();
        let head = self
            .db
            .heads
            .get(&entry.id.replica)
            .copied()
            .unwrap_or_default();
        if entry.id.number != head.number + 1 || entry.previous != head.hash {
            return Pushed::Gap;
        }
        let cells = cells_of([&entry.cells]);
        if !cells.is_empty() {
            if entry.time <= head.time {
                oracle.was_old = true;
                return Pushed::Time(entry.id, Time::new(head.time.get() + 1));
            }
            if !self.is_timely(entry.time, Time::ZERO, oracle) {
                return Pushed::Time(entry.id, Time::from_ms(ms(self.now(oracle))));
            }
            let absent = |path| !self.db.cells.contains_key(path);
            if entry.time < self.db.floor && cells.keys().any(absent) {
                oracle.was_old = true;
                return Pushed::Time(entry.id, self.db.floor);
            }
            if oracle.faulty && oracle.rng.chance(4) {
                oracle.rejected.insert(oracle.edit_of(entry));
                return Pushed::Rejected(entry.id);
            }
        }
        if !cells.is_empty() {
            oracle.accepted.insert(oracle.edit_of(entry));
        }
        let sequence = self.begin();
        let next = entry.head(head);
        assert!(next.time >= head.time && next.number == head.number + 1);
        self.db.heads.insert(entry.id.replica, next);
        for (path, cell) in cells {
            self.put(path, cell, sequence, oracle);
        }
        Pushed::Ack(Ack {
            id: entry.id,
            count: 1,
            first: Sequence::new(sequence),
            state: self.state(),
        })
    }
}
