use std::collections::VecDeque;

use crate::delta::Delta;

/// Decides when transactions are written: at once while no write is under way, together as soon as that is done, and
/// in any case when asked to [`flush`](Saver::flush).
///
/// A state machine without IO and without time. Whoever drives it calls [`next`](Saver::next) after every other call
/// and writes what it gives, and `flush` when [`limits::SAVE_DELAY_MS`](crate::limits::SAVE_DELAY_MS) have passed
/// with something [waiting](Saver::is_waiting), or when the page is about to go.
///
/// ```text
/// push ─▶ waiting ──next──▶ under way ──saved───▶ gone
///            ▲    ──flush─▶     │
///            └──────────────failed (in their order)
/// ```
#[derive(Default)]
pub struct Saver {
    waiting: VecDeque<Delta>,
    under_way: VecDeque<Write>,
    next_id: u64,
    /// After a failure, writes go one at a time and only when something new comes or a retry is asked for.
    stalled: bool,
}

struct Write {
    id: u64,
    deltas: Vec<Delta>,
}

impl Saver {
    /// Nothing to save.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a transaction.
    pub fn push(&mut self, delta: Delta) {
        self.waiting.push_back(delta);
        self.stalled = false;
    }

    /// Tries again to write what failed.
    pub fn retry(&mut self) {
        self.stalled = false;
    }

    /// What to write now, if no write is under way: an id, and the transactions.
    pub fn next(&mut self) -> Option<(u64, Vec<Delta>)> {
        if self.stalled || !self.under_way.is_empty() {
            return None;
        }
        self.flush()
    }

    /// What to write now, whatever is under way.
    pub fn flush(&mut self) -> Option<(u64, Vec<Delta>)> {
        if self.waiting.is_empty() {
            return None;
        }
        let deltas: Vec<Delta> = self.waiting.drain(..).collect();
        let id = self.next_id;
        self.next_id += 1;
        self.under_way.push_back(Write {
            id,
            deltas: deltas.clone(),
        });
        Some((id, deltas))
    }

    /// The write `id` has succeeded.
    pub fn saved(&mut self, id: u64) {
        self.under_way.retain(|write| write.id != id);
    }

    /// The write `id` has failed: its transactions wait again, before those that came later.
    pub fn failed(&mut self, id: u64) {
        let Some(at) = self.under_way.iter().position(|write| write.id == id) else {
            return;
        };
        if let Some(write) = self.under_way.remove(at) {
            for delta in write.deltas.into_iter().rev() {
                self.waiting.push_front(delta);
            }
        }
        self.stalled = true;
    }

    /// How many transactions are not known to be saved.
    pub fn unsaved(&self) -> usize {
        let under_way = self.under_way.iter().map(|write| write.deltas.len());
        self.waiting.len() + under_way.sum::<usize>()
    }

    /// Whether something waits for a write that is under way.
    pub fn is_waiting(&self) -> bool {
        !self.stalled && !self.waiting.is_empty()
    }
}
