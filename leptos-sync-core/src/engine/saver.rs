use crate::delta::Delta;

/// Decides when transactions are written: at once while no write is under way, together as soon as that is done, and
/// in any case when asked to [`flush`](Saver::flush).
///
/// A state machine without IO and without time. Whoever drives it calls [`next_write`](Saver::next_write) after every
/// other call and writes what it gives, and `flush` when [`limits::SAVE_DELAY_MS`](crate::limits::SAVE_DELAY_MS) have
/// passed with something [waiting](Saver::is_waiting), or when the page is about to go.
///
/// ```text
/// push ─▶ waiting ──next_write──▶ under way ──saved──▶ gone
///            ▲    ────flush─────▶     │
///            └──failed (in the order of the pushes)
/// ```
#[derive(Default)]
pub struct Saver {
    waiting: Vec<Pushed>,
    under_way: Vec<Write>,
    pushed: u64,
    written: u64,
    /// After a failure nothing is written until something new comes or a retry is asked for.
    stalled: bool,
}

/// A transaction and its place in the order of all.
struct Pushed {
    place: u64,
    delta: Delta,
}

struct Write {
    id: u64,
    transactions: Vec<Pushed>,
}

impl Saver {
    /// Nothing to save.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a transaction.
    pub fn push(&mut self, delta: Delta) {
        self.waiting.push(Pushed {
            place: self.pushed,
            delta,
        });
        self.pushed += 1;
        self.stalled = false;
    }

    /// Tries again to write what failed.
    pub fn retry(&mut self) {
        self.stalled = false;
    }

    /// What to write now, if no write is under way: an id, and the transactions.
    pub fn next_write(&mut self) -> Option<(u64, Vec<Delta>)> {
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
        let transactions = std::mem::take(&mut self.waiting);
        let deltas = transactions.iter().map(|pushed| pushed.delta.clone());
        let deltas = deltas.collect();
        let id = self.written;
        self.written += 1;
        self.under_way.push(Write { id, transactions });
        Some((id, deltas))
    }

    /// The write `id` has succeeded.
    pub fn saved(&mut self, id: u64) {
        self.under_way.retain(|write| write.id != id);
    }

    /// The write `id` has failed: its transactions wait again, in their place among the others.
    pub fn failed(&mut self, id: u64) {
        let Some(at) = self.under_way.iter().position(|write| write.id == id) else {
            return;
        };
        let transactions = self.under_way.remove(at).transactions;
        if let Some(first) = transactions.first() {
            let place = first.place;
            let at = self.waiting.partition_point(|pushed| pushed.place < place);
            let later = self.waiting.split_off(at);
            self.waiting.extend(transactions);
            self.waiting.extend(later);
        }
        self.stalled = true;
    }

    /// How many transactions were pushed so far.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// The first `pushed` transactions are stored by other means, whatever becomes of their own writes.
    pub fn settled(&mut self, pushed: u64) {
        self.waiting.retain(|one| one.place >= pushed);
        for write in &mut self.under_way {
            write.transactions.retain(|one| one.place >= pushed);
        }
    }

    /// How many transactions are not known to be saved.
    pub fn unsaved(&self) -> usize {
        let under_way = self.under_way.iter().map(|write| write.transactions.len());
        self.waiting.len() + under_way.sum::<usize>()
    }

    /// Whether something waits for a write that is under way.
    pub fn is_waiting(&self) -> bool {
        !self.stalled && !self.waiting.is_empty()
    }
}
