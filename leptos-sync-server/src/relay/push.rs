use std::sync::Arc;

use leptos_sync_core::{
    ReplicaId,
    clock::Window,
    history::{Entry, EntryId, Sequence},
    sync::{Channel, Reason, Response},
};
use tracing::Instrument as _;

use super::{
    connection::Connection,
    metrics::{Metrics, Refused},
    room::{Publication, Room},
    stored::{EntryAnswer, PushAnswer, StoredDocument},
};
use crate::error::Error;

/// The text of a rejection for a user who may only read.
const READ_ONLY: &str = "this user may read this document but not write it";

/// A push whose entries are stored in steps. Between two steps, the connection sends the events
/// that wait for the client.
pub(super) struct Push {
    channel: Channel,
    entries: Vec<Entry>,
}

impl Push {
    pub(super) fn new(channel: Channel, entries: Vec<Entry>) -> Self {
        Self { channel, entries }
    }
}

/// The result of a step.
struct Stored {
    /// The entries that were not stored yet.
    rest: Vec<Entry>,
    /// The number of entries and of cells that were stored.
    entries: u64,
    cells: usize,
}

impl Connection {
    /// Stores the next entries of the push, and sends the events that wait for the client.
    pub(super) async fn store_next(&mut self) {
        let Some(push) = self.push.take() else {
            return;
        };
        let channel = push.channel;
        let span = self.span(channel);
        self.store(push).instrument(span).await;
        for _ in 0..self.queue.len() {
            if let Some(Some(event)) = self.queue.try_next() {
                self.handle_event(event).await;
            }
        }
    }

    async fn store(&mut self, push: Push) {
        let Push { channel, entries } = push;
        if entries.is_empty() || self.ends_by_expiry() {
            return;
        }
        let (Some(open), Some(user)) = (self.open.get(&channel), &self.user) else {
            return;
        };
        let step = Step {
            from: (self.peer, channel),
            stored: open.stored.clone(),
            room: Arc::clone(&open.room),
            user: user.name().into(),
        };
        let relay = Arc::clone(&self.relay);
        let writing = relay.writes.begin(bytes(&entries));
        let now_ms = relay.now_ms();
        let begun = relay.begin_epoch();
        // A task of its own, so that what is stored is also published if the connection ends.
        let stored = async move { begun.and(step.run(entries, now_ms).await) };
        let stored = tokio::spawn(stored.in_current_span()).await;
        let stored = stored.unwrap_or_else(|_| Err(Error::unavailable("storing an edit failed")));
        writing.end(&stored);
        match stored {
            Ok(stored) => {
                let elapsed = self.received_at.elapsed();
                let metrics = &self.relay.metrics;
                metrics.acknowledged(stored.entries, stored.cells, elapsed);
                self.push = Some(Push {
                    channel,
                    entries: stored.rest,
                });
            }
            Err(error) => self.close(self.failed(channel, &error)),
        }
    }

    /// Sends answers to entries of this client.
    pub(super) fn answer(&mut self, channel: Channel, answers: Vec<EntryAnswer>) {
        for answer in answers {
            let Some(open) = self.open.get_mut(&channel) else {
                return;
            };
            let response = match answer {
                EntryAnswer::Ack(ack) => {
                    let last = Sequence::new(ack.first.get().saturating_add(ack.count) - 1);
                    open.sent(ack.first.previous(), last);
                    Response::Ack { channel, ack }
                }
                EntryAnswer::Gap(replica, head) => {
                    record_reject(
                        Reason::Gap,
                        "an entry does not follow the last one of its id",
                    );
                    Response::Gap {
                        channel,
                        replica,
                        head,
                    }
                }
                EntryAnswer::Reject {
                    id,
                    reason,
                    text,
                    window,
                } => {
                    record_reject(reason, &text);
                    Response::Reject {
                        channel,
                        id,
                        reason,
                        text,
                        window,
                    }
                }
            };
            self.host.send(&response);
        }
    }

    /// Rejects the entries of a user who may not write.
    pub(super) fn reject_forbidden(&mut self, channel: Channel, entries: Vec<EntryId>) {
        let window = Window {
            now_ms: self.relay.now_ms(),
            ..Window::default()
        };
        let reject = |id| EntryAnswer::Reject {
            id,
            reason: Reason::Forbidden,
            text: READ_ONLY.to_owned(),
            window,
        };
        self.answer(channel, entries.into_iter().map(reject).collect());
    }
}

/// A step of a push, which stores entries even if the connection ends.
struct Step {
    from: (ReplicaId, Channel),
    stored: StoredDocument,
    room: Arc<Room>,
    user: Arc<str>,
}

impl Step {
    /// Stores the first of some entries, and publishes them and the answers.
    async fn run(self, mut entries: Vec<Entry>, now_ms: u64) -> Result<Stored, Error> {
        let sizes: Vec<_> = entries.iter().map(|entry| entry.cells.len()).collect();
        let pushed = self.stored.push(&self.user, &mut entries, now_ms).await;
        let PushAnswer { answers, pages } = pushed.inspect_err(|_| self.room.catch_up())?;
        let (mut count, mut last) = (0, None);
        for answer in &answers {
            if let EntryAnswer::Ack(ack) = answer {
                count += ack.count;
                last = Some(Sequence::new(ack.first.get() + ack.count - 1));
            }
        }
        let publication = Publication {
            from: self.from,
            last,
            pages,
            answers,
        };
        self.room.publish(publication).await;
        Ok(Stored {
            rest: entries,
            entries: count,
            cells: sizes.iter().take(count as usize).sum(),
        })
    }
}

fn bytes(entries: &[Entry]) -> usize {
    entries.iter().map(|entry| entry.cells.bytes()).sum()
}

/// Counts and logs a rejection. Clients can cause any number of them, so they are logged at debug
/// level.
fn record_reject(reason: Reason, text: &str) {
    tracing::debug!(%reason, text, "rejected an entry");
    Metrics::refused(Refused::Transaction, reason);
}
