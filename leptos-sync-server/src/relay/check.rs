use std::slice;

use leptos_sync_core::{
    Delta, ReplicaId, Time,
    clock::Window,
    sync::{Channel, Permission, Reason, Response},
};

use super::{connection::Connection, open::closed};
use crate::{limits, log::replicas};

/// The reason why the relay does not store a transaction: the transaction is wrong, or the document
/// must be closed.
pub(super) enum Rejection {
    Transaction(Reason, String),
    Document(Response),
}

/// The text of a rejection for a user who may only read.
pub(super) const READ_ONLY: &str = "this user may read this document but not write it";

impl Connection {
    /// Returns the times that the relay accepts for a document of which it knows no operation.
    pub(super) fn window(&self) -> Window {
        Window {
            // The log rejects stamps that are too old, because it knows which operations it has.
            floor: Time::ZERO,
            now_ms: self.relay.now_ms(),
            latest: Time::ZERO,
        }
    }

    /// Checks a transaction. Reads the log only if its stamp is ahead of the relay's clock.
    /// `in_parts` is true for a delta in parts, whose number of cells is not limited.
    pub(super) async fn check(
        &mut self,
        channel: Channel,
        document: &str,
        delta: &Delta,
        in_parts: bool,
        window: &mut Window,
    ) -> Result<(), Rejection> {
        // Check the permission first, so that the transaction of a read-only user leaves no trace.
        let permission = self.open.get(&channel).map(|open| open.permission);
        if permission < Some(Permission::Write) {
            return Err(Rejection::Transaction(
                Reason::Forbidden,
                READ_ONLY.to_owned(),
            ));
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
        // Check this after the stamp, since a rejection for good claims the transaction's version.
        let (cells, limit) = (delta.len(), leptos_sync_core::limits::TRANSACTION_CELLS);
        if cells > limit && !in_parts {
            let text = format!("the transaction has {cells} cells, the limit is {limit}");
            return Err(Rejection::Transaction(Reason::Limit, text));
        }
        let unknown = self.unknown_replicas(slice::from_ref(delta)).len();
        if unknown > limits::DELTA_REPLICAS {
            let limit = limits::DELTA_REPLICAS;
            let text = format!("a transaction names {unknown} replica ids, the limit is {limit}");
            return Err(Rejection::Document(closed(channel, Reason::Limit, &text)));
        }
        Ok(())
    }

    /// Returns the replica ids in deltas that are not known to belong to the user.
    pub(super) fn unknown_replicas(&self, deltas: &[Delta]) -> Vec<ReplicaId> {
        let mut all = replicas(deltas);
        all.retain(|replica| !self.own_replicas.contains(replica));
        all
    }
}

/// Returns the latest time of a transaction.
pub(super) fn latest(delta: &Delta) -> Time {
    delta.upto().latest().max(delta.cells_upto().latest())
}
