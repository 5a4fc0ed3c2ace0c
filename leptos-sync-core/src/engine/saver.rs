use crate::delta::Delta;

/// A state machine that decides when transactions are written: immediately if no write is in
/// progress, otherwise together after that write, or on [`flush`](Saver::flush).
///
/// It does no IO and reads no clock. Its driver calls [`next_write`](Saver::next_write) after every
/// other call and performs the write. The driver calls `flush` when a transaction has been
/// [waiting](Saver::is_waiting) for [`limits::SAVE_DELAY_MS`](crate::limits::SAVE_DELAY_MS), or
/// when the page is about to close.
///
/// ```text
/// push ─▶ waiting ──next_write──▶ writing ──saved──▶ done
///            ▲    ────flush─────▶    │
///            └──failed (in the order of the pushes)
/// ```
#[derive(Default)]
pub struct Saver {
    waiting: Vec<Pushed>,
    under_way: Vec<Write>,
    pushed: u64,
    written: u64,
    /// Whether a write has failed. Then nothing is written until the next push or retry.
    stalled: bool,
}

/// A transaction and its position among all pushed ones.
struct Pushed {
    place: u64,
    delta: Delta,
}

struct Write {
    id: u64,
    transactions: Vec<Pushed>,
}

impl Saver {
    /// Returns a saver with nothing to save.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a transaction to write.
    pub fn push(&mut self, delta: Delta) {
        self.waiting.push(Pushed {
            place: self.pushed,
            delta,
        });
        self.pushed += 1;
        self.stalled = false;
    }

    /// Allows writing again after a failure.
    pub fn retry(&mut self) {
        self.stalled = false;
    }

    /// Returns the transactions to write now and the id of the write, unless a write is in
    /// progress.
    pub fn next_write(&mut self) -> Option<(u64, Vec<Delta>)> {
        if self.stalled || !self.under_way.is_empty() {
            return None;
        }
        self.flush()
    }

    /// Returns the transactions to write now, even if a write is in progress.
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

    /// Records that the write `id` succeeded.
    pub fn saved(&mut self, id: u64) {
        self.under_way.retain(|write| write.id != id);
    }

    /// Records that the write `id` failed. Its transactions wait again, in their original order.
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

    /// Returns the number of transactions pushed so far.
    pub fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Records that the first `pushed` transactions are stored by other means, even if their own
    /// writes fail.
    pub fn settled(&mut self, pushed: u64) {
        self.waiting.retain(|one| one.place >= pushed);
        for write in &mut self.under_way {
            write.transactions.retain(|one| one.place >= pushed);
        }
    }

    /// Returns the number of transactions that are not known to be saved.
    pub fn unsaved(&self) -> usize {
        let under_way = self.under_way.iter().map(|write| write.transactions.len());
        self.waiting.len() + under_way.sum::<usize>()
    }

    /// Returns whether a transaction waits for the write in progress.
    pub fn is_waiting(&self) -> bool {
        !self.stalled && !self.waiting.is_empty()
    }
}
