use leptos_sync_core::{
    ReplicaId,
    clock::Window,
    history::{Ack, Entry, EntryId, IdHead, Page},
    limits::{DRIFT_MS, TRANSACTION_BYTES, TRANSACTION_CELLS},
    sync::Reason,
};

use super::StoredDocument;
use crate::{
    error::Error,
    limits,
    log::{PushOutcome, Refusal},
};

/// The answers to some entries of a push.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PushAnswer {
    /// The answers in the order of the entries.
    pub answers: Vec<EntryAnswer>,
    /// The changes, for the other clients.
    pub pages: Vec<Page>,
}

/// The answer to an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryAnswer {
    /// Some consecutive entries were stored.
    Ack(Ack),
    /// The entry does not follow the head of its id.
    Gap(ReplicaId, IdHead),
    /// The entry is not accepted.
    Reject {
        /// The entry.
        id: EntryId,
        /// The reason.
        reason: Reason,
        /// The reason as a text.
        text: String,
        /// The times that the relay accepts.
        window: Window,
    },
}

impl StoredDocument {
    /// Stores entries of a user from the start of `entries`, at most as many as one commit may
    /// have, and removes them. Call it again while there are more.
    ///
    /// After an entry that is not stored, removes all entries of the same id.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::push`](crate::DurableLog::push).
    pub async fn push(
        &self,
        user: &str,
        entries: &mut Vec<Entry>,
        now_ms: u64,
    ) -> Result<PushAnswer, Error> {
        let next = entries.get(..commit(entries)).unwrap_or_default().to_vec();
        let pushed = self.log.push(&self.name, user, next.clone(), now_ms);
        let mut pushed = pushed.await?;
        self.seal(&mut pushed.state);
        let stored: Vec<_> = entries.drain(..pushed.count.min(next.len())).collect();
        let mut answers = acks(&stored, &pushed);
        let first_is_too_large = next.is_empty();
        if let Some(entry) = entries.first()
            && (pushed.refusal.is_some() || first_is_too_large)
        {
            answers.push(match pushed.refusal {
                Some(refusal) => refused(entry, refusal, &pushed, now_ms),
                None => too_large(entry, &pushed, now_ms),
            });
            let id = entry.id.replica;
            entries.retain(|entry| entry.id.replica != id);
        }
        Ok(PushAnswer {
            answers,
            pages: self.pages(&stored, &pushed).await?,
        })
    }

    /// Returns the changes of stored entries.
    async fn pages(&self, stored: &[Entry], pushed: &PushOutcome) -> Result<Vec<Page>, Error> {
        if pushed.has_lost {
            let last = pushed.state.head();
            return self.changes(Some(pushed.first), Some(last)).await;
        }
        let mut after = pushed.first.previous();
        let page = |entry: &Entry| {
            let page = Page {
                after,
                upto: after.next(),
                floor: pushed.floor,
                cells: entry.cells.clone(),
                state: pushed.state,
            };
            after = page.upto;
            page
        };
        Ok(stored.iter().map(page).collect())
    }
}

/// Returns the number of entries of the next commit. It is zero if the first one is too large.
fn commit(entries: &[Entry]) -> usize {
    let mut cells = 0;
    let fits = |entry: &&Entry| {
        let before = cells;
        cells += entry.cells.len();
        !is_too_large(entry) && (before == 0 || cells <= limits::COMMIT_CELLS)
    };
    entries.iter().take_while(fits).count()
}

/// Returns whether an entry exceeds the limits of a transaction. Compressed, it fits into a message
/// even then, but a page that contains it may not.
fn is_too_large(entry: &Entry) -> bool {
    entry.cells.len() > TRANSACTION_CELLS || entry.cells.bytes() > TRANSACTION_BYTES
}

/// Returns an acknowledgement for each run of consecutive entries of one id.
fn acks(stored: &[Entry], pushed: &PushOutcome) -> Vec<EntryAnswer> {
    let mut acks: Vec<Ack> = Vec::new();
    let mut sequence = pushed.first;
    for entry in stored {
        match acks.last_mut() {
            Some(ack) if ack.id.replica == entry.id.replica => ack.count += 1,
            _ => acks.push(Ack {
                id: entry.id,
                count: 1,
                first: sequence,
                state: pushed.state,
            }),
        }
        sequence = sequence.next();
    }
    acks.into_iter().map(EntryAnswer::Ack).collect()
}

fn refused(entry: &Entry, refusal: Refusal, pushed: &PushOutcome, now_ms: u64) -> EntryAnswer {
    let id = entry.id;
    let mut window = window(pushed, now_ms);
    let (reason, text) = match refusal {
        Refusal::Gap(head) => return EntryAnswer::Gap(id.replica, head),
        Refusal::TooOld(earliest) => {
            window.floor = earliest;
            let text = "the edit is older than the removals that the relay keeps, or not later than \
                        the one before; restamp it";
            (Reason::TooOld, text.to_owned())
        }
        Refusal::Drift => {
            let ahead = entry.time.ms().saturating_sub(now_ms);
            let text = format!(
                "the stamp is {ahead} ms ahead of the relay's clock, the limit is {DRIFT_MS} ms; \
                 check the device's clock"
            );
            (Reason::Drift, text)
        }
        Refusal::Forged => {
            let text = format!("replica id {} belongs to another user", id.replica);
            (Reason::Forged, text)
        }
    };
    EntryAnswer::Reject {
        id,
        reason,
        text,
        window,
    }
}

fn too_large(entry: &Entry, pushed: &PushOutcome, now_ms: u64) -> EntryAnswer {
    let (cells, bytes) = (entry.cells.len(), entry.cells.bytes());
    let text = match cells > TRANSACTION_CELLS {
        true => format!("the transaction has {cells} cells, the limit is {TRANSACTION_CELLS}"),
        false => format!("the transaction is {bytes} bytes, the limit is {TRANSACTION_BYTES}"),
    };
    EntryAnswer::Reject {
        id: entry.id,
        reason: Reason::Limit,
        text,
        window: window(pushed, now_ms),
    }
}

fn window(pushed: &PushOutcome, now_ms: u64) -> Window {
    Window {
        floor: pushed.floor,
        now_ms,
        latest: pushed.state.witness.latest,
    }
}
