use std::{collections::BTreeSet, sync::Arc};

use leptos_sync_core::{
    Delta, ReplicaId, Time, VersionVector,
    clock::Window,
    sync::{Broadcast, Channel, Permission, Reason, Response},
};

use super::{
    connection::Connection,
    metrics::{Metrics, Refused},
    open::closed,
    room::Room,
};
use crate::{error::Error, limits};

impl Connection {
    /// Stores transactions, answers each of them, and sends the accepted ones to the other clients.
    pub(super) async fn push(&mut self, channel: Channel, deltas: Vec<Delta>) {
        let Some(open) = self.open.get(&channel) else {
            return;
        };
        let (document, room) = (open.document.clone(), Arc::clone(&open.room));
        let mut accepted = Vec::new();
        let mut window = self.window();
        for delta in deltas {
            if self.ends_by_expiry() {
                return;
            }
            match self.check(channel, &document, &delta, &mut window).await {
                Ok(()) => {
                    window.accept(latest(&delta));
                    accepted.push(delta);
                }
                Err(Rejection::Transaction(reason, text)) => {
                    // Answer in the order of the transactions.
                    let accepted = std::mem::take(&mut accepted);
                    if !self.store(channel, &document, &room, accepted).await {
                        return;
                    }
                    if !self.reject(channel, &document, &delta, reason, &text).await {
                        return;
                    }
                }
                Err(Rejection::Document(closed)) => return self.close(closed),
            }
        }
        self.store(channel, &document, &room, accepted).await;
    }

    /// Returns the times that the relay accepts for a document of which it knows no operation.
    fn window(&self) -> Window {
        Window {
            // The log rejects stamps that are too old, because it knows which operations it has.
            floor: Time::ZERO,
            now_ms: self.relay.now_ms(),
            latest: Time::ZERO,
        }
    }

    /// Checks a transaction, reading the log only if its stamp is ahead of the relay's clock.
    async fn check(
        &mut self,
        channel: Channel,
        document: &str,
        delta: &Delta,
        window: &mut Window,
    ) -> Result<(), Rejection> {
        // Check the permission first, so that the transaction of a read-only user leaves no trace.
        let permission = self.open.get(&channel).map(|open| open.permission);
        if permission < Some(Permission::Write) {
            let text = "this user may read this document but not write it";
            return Err(Rejection::Transaction(Reason::Forbidden, text.to_owned()));
        }
        let latest = latest(delta);
        if !window.has(latest) && latest > Time::ZERO {
            match self.relay.log.state(document).await {
                Ok(state) => window.accept(state.version.latest()),
                Err(error) => return Err(Rejection::Document(self.failed(channel, &error))),
            }
        }
        if !window.has(latest) && latest > Time::ZERO {
            let ahead = latest.ms().saturating_sub(window.now_ms);
            let limit = leptos_sync_core::limits::DRIFT_MS;
            let text = format!(
                "the stamp is {ahead} ms ahead of the relay's clock, the limit is {limit} ms; check \
                 the device's clock"
            );
            return Err(Rejection::Transaction(Reason::Drift, text));
        }
        self.check_replicas(channel, delta).await
    }

    /// Checks that all replica ids of a transaction belong to the user. Binds the unbound ones to
    /// the user.
    async fn check_replicas(&mut self, channel: Channel, delta: &Delta) -> Result<(), Rejection> {
        let named = delta.upto().iter().chain(delta.cells_upto().iter());
        let unknown: BTreeSet<ReplicaId> = named
            .map(|(replica, _)| replica)
            .filter(|replica| !self.own_replicas.contains(replica))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        if unknown.len() > limits::DELTA_REPLICAS {
            let text = format!(
                "a transaction names {} replica ids, the limit is {}",
                unknown.len(),
                limits::DELTA_REPLICAS
            );
            return Err(Rejection::Document(closed(channel, Reason::Limit, &text)));
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        let user = self.user.as_ref().map_or("", |user| user.name());
        let log = Arc::clone(&self.relay.log);
        match log.bind(&unknown, user).await {
            Ok(others) if others.is_empty() => {
                if self.own_replicas.len() >= limits::KNOWN_REPLICAS {
                    self.own_replicas.clear();
                }
                self.own_replicas.extend(unknown);
                Ok(())
            }
            Ok(others) => {
                let first = others.first().copied().unwrap_or_default();
                let text = format!("replica id {first} belongs to another user");
                Err(Rejection::Transaction(Reason::Forged, text))
            }
            Err(error) => Err(Rejection::Document(self.failed(channel, &error))),
        }
    }

    /// Stores transactions in one commit, or each in its own if the log rejects one of them.
    /// Returns whether the document is still open.
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
                self.acknowledge(channel, room, deltas);
                true
            }
            Err(error) if deltas.len() > 1 && rejection_reason(&error).is_some() => {
                for delta in deltas {
                    let single = Box::pin(self.store(channel, document, room, vec![delta]));
                    if !single.await {
                        return false;
                    }
                }
                true
            }
            Err(error) => match (rejection_reason(&error), deltas.first()) {
                (Some(reason), Some(delta)) => {
                    let text = error.to_string();
                    self.reject(channel, document, delta, reason, &text).await
                }
                _ => {
                    self.close(self.failed(channel, &error));
                    false
                }
            },
        }
    }

    /// Acknowledges stored transactions and sends them to the other clients.
    fn acknowledge(&mut self, channel: Channel, room: &Room, deltas: Vec<Delta>) {
        let mut upto = VersionVector::new();
        deltas.iter().for_each(|delta| upto.join(delta.upto()));
        self.host.send(&Response::Ack { channel, upto });
        let metrics = &self.relay.metrics;
        metrics.acknowledged(&deltas, self.received_at.elapsed());
        let deltas: Arc<[Broadcast]> = deltas.into_iter().map(Broadcast::new).collect();
        room.publish(self.peer, &deltas);
    }

    /// Rejects a transaction. If it can never be accepted, the log first claims its version, so
    /// that later transactions of the client leave no gap. Returns whether the document is still
    /// open.
    async fn reject(
        &mut self,
        channel: Channel,
        document: &str,
        delta: &Delta,
        reason: Reason,
        text: &str,
    ) -> bool {
        // A claim under another user's id would hide that user's operations, and a read-only user
        // must not change anything.
        let claims = !reason.is_of_time()
            && !matches!(reason, Reason::Gap | Reason::Forged | Reason::Forbidden);
        if claims {
            let log = Arc::clone(&self.relay.log);
            if let Err(error) = log.claim(document, delta.upto().clone()).await {
                self.close(self.failed(channel, &error));
                return false;
            }
        }
        tracing::info!(%reason, text, "rejected a transaction");
        Metrics::refused(Refused::Transaction, reason);
        self.host.send(&Response::Reject {
            channel,
            upto: delta.upto().clone(),
            reason,
            text: text.to_owned(),
        });
        true
    }
}

/// Returns the latest time of a transaction.
fn latest(delta: &Delta) -> Time {
    delta.upto().latest().max(delta.cells_upto().latest())
}

/// The reason why the relay does not store a transaction: the transaction is wrong, or the document
/// must be closed.
enum Rejection {
    Transaction(Reason, String),
    Document(Response),
}

/// Returns the reason for rejecting a transaction, or `None` if the error concerns the whole
/// document.
fn rejection_reason(error: &Error) -> Option<Reason> {
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
