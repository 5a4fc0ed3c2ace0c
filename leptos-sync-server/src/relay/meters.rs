use std::time::Duration;

use leptos_sync_core::{Delta, sync::Reason};
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

/// What a relay tells of itself, through the façade of the `metrics` crate. See [`Relay`](super::Relay) for what each means.
pub(super) struct Meters {
    pub(super) sockets: Gauge,
    pub(super) documents: Gauge,
    pub(super) queued: Gauge,
    transactions: Counter,
    operations: Counter,
    acknowledged: Histogram,
}

/// What was refused, as a label.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    Connection,
    Document,
    Transaction,
}

impl Meters {
    /// Those of the recorder that is installed now.
    pub(super) fn new() -> Self {
        describe();
        Self {
            sockets: gauge!("relay_sockets"),
            documents: gauge!("relay_documents"),
            queued: gauge!("relay_queued_events"),
            transactions: counter!("relay_transactions_total"),
            operations: counter!("relay_operations_total"),
            acknowledged: histogram!("relay_acknowledge_seconds"),
        }
    }

    /// Transactions are acknowledged, so long after they came.
    pub(super) fn acknowledged(&self, deltas: &[Delta], after: Duration) {
        let operations: usize = deltas.iter().map(Delta::len).sum();
        self.transactions.increment(deltas.len() as u64);
        self.operations.increment(operations as u64);
        self.acknowledged.record(after);
    }

    /// Something was refused. The reason is a label by its name.
    pub(super) fn refused(what: Refused, reason: Reason) {
        let what = match what {
            Refused::Connection => "connection",
            Refused::Document => "document",
            Refused::Transaction => "transaction",
        };
        counter!("relay_refused_total", "what" => what, "reason" => format!("{reason:?}"))
            .increment(1);
    }
}

fn describe() {
    describe_gauge!("relay_sockets", "connections");
    describe_gauge!("relay_documents", "documents that somebody has open");
    describe_gauge!(
        "relay_queued_events",
        "events that wait to be told to connections"
    );
    describe_counter!("relay_transactions_total", "transactions acknowledged");
    describe_counter!("relay_operations_total", "cells of these transactions");
    describe_histogram!(
        "relay_acknowledge_seconds",
        "time from a push to its acknowledgement"
    );
    describe_counter!(
        "relay_refused_total",
        "connections ended, documents closed and transactions rejected, by reason"
    );
}
