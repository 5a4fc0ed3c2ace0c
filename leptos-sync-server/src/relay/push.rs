use std::{slice, sync::Arc};

use leptos_sync_core::{
    Delta, ReplicaId, VersionVector,
    sync::{Broadcast, Channel, Reason, Response},
};

use super::{
    check::{Rejection, latest},
    connection::Connection,
    metrics::{Metrics, Refused},
    room::Room,
};
use crate::{error::Error, limits};

impl Connection {
    /// Stores transactions, answers each of them, and sends the accepted ones to the other clients.
    pub(super) async fn push(&mut self, channel: Channel, deltas: Vec<Delta>, in_parts: bool) {
        let Some(open) = self.open.get(&channel) else {
            return;
        };
        let (document, room) = (open.document.clone(), Arc::clone(&open.room));
        let (mut accepted, mut cells) = (Vec::new(), 0);
        let mut window = self.window();
        for delta in deltas {
            if self.ends_by_expiry() {
                return;
            }
            // Others need not wait for all transactions.
            if !accepted.is_empty() && cells + delta.len() > limits::COMMIT_CELLS {
                cells = 0;
                let accepted = std::mem::take(&mut accepted);
                if !self.store(channel, &document, &room, accepted).await {
                    return;
                }
            }
            cells += delta.len();
            let checked = self.check(channel, &document, &delta, in_parts, &mut window);
            match checked.await {
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

    fn remember_replicas(&mut self, own: Vec<ReplicaId>) {
        if self.own_replicas.len() + own.len() > limits::KNOWN_REPLICAS {
            self.own_replicas.clear();
        }
        self.own_replicas.extend(own);
    }

    /// Stores transactions in one commit, or each in its own if the log rejects one of them. The
    /// same commit binds their replica ids to the user. Returns whether the document is still open.
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
        let unknown = self.unknown_replicas(&deltas);
        let writing = self
            .relay
            .writes
            .begin(deltas.iter().map(Delta::bytes).sum());
        let stored = match unknown.is_empty() {
            true => log
                .append(document, deltas.clone())
                .await
                .map(|()| Vec::new()),
            false => {
                let user = self.user.as_ref().map_or("", |user| user.name());
                log.append_as(document, deltas.clone(), user).await
            }
        };
        writing.end(&stored);
        let refused = match stored {
            Ok(others) => others.first().map(|&of_other| forged(of_other)),
            Err(error) => match rejection_reason(&error) {
                Some(reason) => Some((reason, error.to_string())),
                None => {
                    self.close(self.failed(channel, &error));
                    return false;
                }
            },
        };
        match (refused, &*deltas) {
            (None, _) => {
                self.remember_replicas(unknown);
                self.acknowledge(channel, room, deltas);
                true
            }
            (Some((reason, text)), [delta]) => {
                self.reject(channel, document, delta, reason, &text).await
            }
            (Some(_), _) => {
                for delta in deltas {
                    let single = Box::pin(self.store(channel, document, room, vec![delta]));
                    if !single.await {
                        return false;
                    }
                }
                true
            }
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
        let claims = !reason.concerns_time()
            && !matches!(reason, Reason::Gap | Reason::Forged | Reason::Forbidden);
        if claims {
            match self.claim(document, delta).await {
                Ok(None) => {}
                Ok(Some(of_other)) => {
                    let (reason, text) = forged(of_other);
                    self.answer_reject(channel, delta.upto().clone(), reason, &text);
                    return true;
                }
                Err(error) => {
                    self.close(self.failed(channel, &error));
                    return false;
                }
            }
        }
        self.answer_reject(channel, delta.upto().clone(), reason, text);
        true
    }

    /// Claims the version of a rejected transaction. If one of its replica ids belongs to another
    /// user, claims nothing and returns that id.
    async fn claim(&mut self, document: &str, delta: &Delta) -> Result<Option<ReplicaId>, Error> {
        let log = Arc::clone(&self.relay.log);
        let unknown = self.unknown_replicas(slice::from_ref(delta));
        if !unknown.is_empty() {
            let user = self.user.as_ref().map_or("", |user| user.name());
            let others = log.bind(&unknown, user).await?;
            if let Some(&of_other) = others.first() {
                return Ok(Some(of_other));
            }
            self.remember_replicas(unknown);
        }
        log.claim(document, delta.upto().clone()).await?;
        Ok(None)
    }

    /// Sends a rejection. Clients can cause any number of them, so they are logged at debug level.
    pub(super) fn answer_reject(
        &mut self,
        channel: Channel,
        upto: VersionVector,
        reason: Reason,
        text: &str,
    ) {
        tracing::debug!(%reason, text, "rejected a transaction");
        Metrics::refused(Refused::Transaction, reason);
        self.host.send(&Response::Reject {
            channel,
            upto,
            reason,
            text: text.to_owned(),
        });
    }
}

fn forged(replica: ReplicaId) -> (Reason, String) {
    let text = format!("replica id {replica} belongs to another user");
    (Reason::Forged, text)
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
