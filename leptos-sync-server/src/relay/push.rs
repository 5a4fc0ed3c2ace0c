use std::{collections::BTreeSet, sync::Arc};

use leptos_sync_core::{
    Delta, ReplicaId, VersionVector,
    clock::Window,
    sync::{Broadcast, Channel, Permission, Reason, Response},
};

use super::{
    connection::Connection,
    meters::{self, Meters},
    open::closed,
    room::Room,
};
use crate::{error::Error, limits};

impl Connection {
    /// Stores transactions, answers for each, and tells the others.
    pub(super) async fn push(&mut self, channel: Channel, deltas: Vec<Delta>) {
        let Some(open) = self.open.get(&channel) else {
            return;
        };
        let (document, room) = (open.document.clone(), Arc::clone(&open.room));
        let mut accepted = Vec::new();
        for delta in deltas {
            if self.expires() {
                return;
            }
            match self.check(channel, &delta).await {
                Ok(()) => accepted.push(delta),
                Err(Refused::Transaction(reason, text)) => {
                    // Answers come in the order of the transactions, and so does what they claim.
                    let taken = std::mem::take(&mut accepted);
                    if !self.store(channel, &document, &room, taken).await {
                        return;
                    }
                    if !self.refuse(channel, &document, &delta, reason, &text).await {
                        return;
                    }
                }
                Err(Refused::Document(closed)) => return self.close(closed),
            }
        }
        self.store(channel, &document, &room, accepted).await;
    }

    /// Whether a transaction may be stored, as far as it can be said without the log.
    async fn check(&mut self, channel: Channel, delta: &Delta) -> Result<(), Refused> {
        // Before anything else: who may only read leaves no trace.
        let permission = self.open.get(&channel).map(|open| open.permission);
        if permission < Some(Permission::Write) {
            let text = "this user may read this document, and not write it";
            return Err(Refused::Transaction(Reason::Forbidden, text.to_owned()));
        }
        let window = Window {
            // The log refuses what is too old, since it knows what is there already.
            floor: leptos_sync_core::Time::ZERO,
            now_ms: self.relay.now_ms(),
        };
        let latest = delta.upto().latest().max(delta.cells_upto().latest());
        if !window.has(latest) && latest > leptos_sync_core::Time::ZERO {
            let ahead = latest.ms().saturating_sub(window.now_ms);
            let text = format!("stamped {ahead} ms ahead of the relay's clock");
            return Err(Refused::Transaction(Reason::Drift, text));
        }
        self.check_replicas(channel, delta).await
    }

    /// Whether all replica ids of a transaction are the user's, who gets those that are nobody's.
    async fn check_replicas(&mut self, channel: Channel, delta: &Delta) -> Result<(), Refused> {
        let named = delta.upto().iter().chain(delta.cells_upto().iter());
        let unknown: BTreeSet<ReplicaId> = named
            .map(|(replica, _)| replica)
            .filter(|replica| !self.bound.contains(replica))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        if unknown.len() > limits::DELTA_REPLICAS {
            let text = "a transaction is of one replica id, and this one names many";
            return Err(Refused::Document(closed(channel, Reason::Limit, text)));
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        let user = self.user.as_ref().map_or("", |user| user.name());
        let log = Arc::clone(&self.relay.log);
        match log.bind(&unknown, user).await {
            Ok(others) if others.is_empty() => {
                if self.bound.len() >= limits::KNOWN_REPLICAS {
                    self.bound.clear();
                }
                self.bound.extend(unknown);
                Ok(())
            }
            Ok(others) => {
                let first = others.first().copied().unwrap_or_default();
                let text = format!("replica id {first} is another user's");
                Err(Refused::Transaction(Reason::Forged, text))
            }
            Err(error) => Err(Refused::Document(self.failed(channel, &error))),
        }
    }

    /// Stores transactions with one commit; where the log refuses one of them, each with its own. Returns whether the
    /// document is still exchanged.
    async fn store(
        &mut self,
        channel: Channel,
        document: &str,
        room: &Room,
        deltas: Vec<Delta>,
    ) -> bool {
        if deltas.is_empty() {
            return true;
        }
        let log = Arc::clone(&self.relay.log);
        match log.append(document, deltas.clone()).await {
            Ok(()) => {
                self.stored(channel, room, deltas);
                true
            }
            Err(error) if deltas.len() > 1 && is_of_transaction(&error) => {
                for delta in deltas {
                    let single = Box::pin(self.store(channel, document, room, vec![delta]));
                    if !single.await {
                        return false;
                    }
                }
                true
            }
            Err(error) => match (refusal(&error), deltas.first()) {
                (Some(reason), Some(delta)) => {
                    let text = error.to_string();
                    self.refuse(channel, document, delta, reason, &text).await
                }
                _ => {
                    self.close(self.failed(channel, &error));
                    false
                }
            },
        }
    }

    /// What is durable is acknowledged, and told to the others.
    fn stored(&mut self, channel: Channel, room: &Room, deltas: Vec<Delta>) {
        let mut upto = VersionVector::new();
        deltas.iter().for_each(|delta| upto.join(delta.upto()));
        self.host.send(&Response::Ack { channel, upto });
        let meters = &self.relay.meters;
        meters.acknowledged(&deltas, self.came.elapsed());
        let deltas: Arc<[Broadcast]> = deltas.into_iter().map(Broadcast::new).collect();
        room.publish(self.peer, &deltas);
    }

    /// Answers that a transaction is not taken; where it never will be, the log takes note first. Returns whether the document
    /// is still exchanged.
    async fn refuse(
        &mut self,
        channel: Channel,
        document: &str,
        delta: &Delta,
        reason: Reason,
        text: &str,
    ) -> bool {
        // An id that is another user's says nothing about what that user has written, and who may only read changes nothing.
        let claims = !reason.is_of_time()
            && !matches!(reason, Reason::Gap | Reason::Forged | Reason::Forbidden);
        if claims {
            let log = Arc::clone(&self.relay.log);
            if let Err(error) = log.claim(document, delta.upto().clone()).await {
                self.close(self.failed(channel, &error));
                return false;
            }
        }
        tracing::info!(%reason, text, "rejected");
        Meters::refused(meters::Refused::Transaction, reason);
        self.host.send(&Response::Reject {
            channel,
            upto: delta.upto().clone(),
            reason,
            text: text.to_owned(),
        });
        true
    }
}

/// Why something that was pushed is not stored.
enum Refused {
    Transaction(Reason, String),
    Document(Response),
}

/// Whether the log refuses a transaction, and not the document.
fn is_of_transaction(error: &Error) -> bool {
    refusal(error).is_some()
}

fn refusal(error: &Error) -> Option<Reason> {
    if error.is_gap() {
        Some(Reason::Gap)
    } else if error.is_stale() {
        Some(Reason::TooOld)
    } else if error.is_limit() {
        Some(Reason::Limit)
    } else {
        None
    }
}
