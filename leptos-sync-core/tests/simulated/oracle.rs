use std::collections::BTreeMap;

use leptos_sync_core::{Stamp, Time, VersionVector};

use crate::model::{Board, Op};

/// The values that a user sees of a [`Board`]: registers and map entries by path-like keys, and
/// counters.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    values: BTreeMap<Key, String>,
    counts: [i128; 3],
}

type Key = (&'static str, String);

/// A log of every operation ever made, which determines the expected view at any version: the last
/// writer wins, and counters are sums.
///
/// It knows only operations and stamps, and shares no code with the code under test, not even the
/// decoding of deltas.
#[derive(Default)]
pub(crate) struct Oracle {
    writes: Vec<(Key, Stamp, Option<String>)>,
    counts: Vec<(usize, Stamp, i128)>,
    stamps: Vec<Stamp>,
}

impl Oracle {
    /// Records a transaction whose author was at `version` before it.
    pub(crate) fn record(&mut self, version: &VersionVector, stamp: Stamp, ops: &[Op]) {
        let mut seen = self.at(version);
        let mut set = |key: Key, value: Option<String>| {
            match &value {
                Some(value) => seen.values.insert(key.clone(), value.clone()),
                // Removing a missing key writes nothing.
                None if !seen.values.contains_key(&key) => return,
                None => seen.values.remove(&key),
            };
            self.writes.push((key, stamp, value));
        };
        for op in ops {
            match op {
                Op::Title(title) => set(("title", String::new()), Some(title.clone())),
                Op::Done(done) => set(("done", String::new()), Some(done.to_string())),
                Op::Card(key, text) => set(("card", key.to_string()), Some(text.clone())),
                Op::Cards(cards) => {
                    for (key, text) in cards {
                        set(("card", key.to_string()), Some(text.clone()));
                    }
                }
                Op::Uncard(key) => set(("card", key.to_string()), None),
                Op::Clear => (0..CARDS).for_each(|key| set(("card", key.to_string()), None)),
                Op::Tag(key, tag) => set(("tag", key.clone()), Some(tag.to_string())),
                Op::Untag(key) => set(("tag", key.clone()), None),
                Op::Note(key, note) => set(("note", key.to_string()), Some(note.to_string())),
                Op::Unnote(key) => set(("note", key.to_string()), None),
                Op::Like(by) => self.counts.push((0, stamp, i128::from(*by))),
                Op::Stock(by) => self.counts.push((1, stamp, i128::from(*by))),
                Op::Vote(by) => self.counts.push((2, stamp, i128::from(*by))),
            }
        }
        self.stamps.push(stamp);
    }

    /// Returns the view that a replica at `version` must show.
    pub(crate) fn at(&self, version: &VersionVector) -> View {
        let covered = |stamp: &Stamp| stamp.time <= version.get(stamp.replica);
        let mut last: BTreeMap<&Key, (Stamp, Option<&String>)> = BTreeMap::new();
        for (key, stamp, value) in self.writes.iter().filter(|write| covered(&write.1)) {
            let entry = last.entry(key).or_insert((*stamp, None));
            // The writes of a transaction are in order, and the last write to a key wins.
            if *stamp >= entry.0 {
                *entry = (*stamp, value.as_ref());
            }
        }
        let mut view = View::of(&Board::default());
        for (key, (_, value)) in last {
            if let Some(value) = value {
                view.values.insert(key.clone(), value.clone());
            }
        }
        for (counter, _, by) in self.counts.iter().filter(|count| covered(&count.1)) {
            view.counts[*counter] += by;
        }
        view
    }

    /// Returns the first time of an operation that is in `known` but not in `version`.
    pub(crate) fn first_missing(
        &self,
        known: &VersionVector,
        version: &VersionVector,
    ) -> Option<Time> {
        let missing = |stamp: &&Stamp| {
            stamp.time <= known.get(stamp.replica) && stamp.time > version.get(stamp.replica)
        };
        self.stamps
            .iter()
            .filter(missing)
            .map(|stamp| stamp.time)
            .min()
    }
}

/// The number of card keys.
pub(crate) const CARDS: u32 = 6;

impl View {
    pub(crate) fn of(board: &Board) -> Self {
        let mut values = BTreeMap::from([
            (("title", String::new()), board.title.get().clone()),
            (("done", String::new()), board.inner.done.get().to_string()),
        ]);
        for (key, text) in board.cards.iter() {
            values.insert(("card", key.to_string()), text.clone());
        }
        for (key, tag) in board.tags.iter() {
            values.insert(("tag", key.clone()), tag.to_string());
        }
        for (key, note) in board.inner.notes.iter() {
            values.insert(("note", key.to_string()), note.to_string());
        }
        let counts = [
            i128::from(board.likes.value()),
            i128::from(board.stock.value()),
            i128::from(board.inner.votes.value()),
        ];
        Self { values, counts }
    }
}
