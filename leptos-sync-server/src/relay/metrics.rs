use std::time::Duration;

use leptos_sync_core::sync::Reason;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram,
    gauge, histogram,
};

/// The relay's metrics. The documentation of [`Relay`](super::Relay) explains each.
pub(super) struct Metrics {
    pub(super) sockets: Gauge,
    pub(super) documents: Gauge,
    pub(super) queued: Gauge,
    transactions: Counter,
    operations: Counter,
    acknowledged: Histogram,
}

/// The values of the label `what`.
#[derive(Clone, Copy)]
pub(super) enum Refused {
    Connection,
    Document,
    Transaction,
}

impl Metrics {
    /// Creates the metrics in the recorder that is currently installed.
    pub(super) fn new() -> Self {
        describe();
        Self::clock_trusted(true);
        Self {
            sockets: gauge!("relay_sockets"),
            documents: gauge!("relay_documents"),
            queued: gauge!("relay_queued_events"),
            transactions: counter!("relay_transactions_total"),
            operations: counter!("relay_operations_total"),
            acknowledged: histogram!("relay_acknowledge_seconds"),
        }
    }

    /// Counts acknowledged transactions and their cells, and records the time since they were
    /// received.
    pub(super) fn acknowledged(&self, transactions: u64, cells: usize, after: Duration) {
        if transactions > 0 {
            self.transactions.increment(transactions);
            self.operations.increment(cells as u64);
            self.acknowledged.record(after);
        }
    }

    /// Records whether the relay trusts the machine's clock.
    pub(super) fn clock_trusted(is_trusted: bool) {
        gauge!("relay_clock_trusted").set(f64::from(u8::from(is_trusted)));
    }

    /// Counts a rejection. The name of the reason becomes a label.
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
    describe_gauge!(
        "relay_documents",
        "documents that at least one connection has open"
    );
    describe_gauge!(
        "relay_queued_events",
        "events that wait to be sent to connections"
    );
    describe_gauge!(
        "relay_clock_trusted",
        "1, or 0 while the relay distrusts the machine's clock after a jump"
    );
    describe_counter!("relay_transactions_total", "transactions acknowledged");
    describe_counter!(
        "relay_operations_total",
        "cells of acknowledged transactions"
    );
    describe_histogram!(
        "relay_acknowledge_seconds",
        "time from the receipt of a push to its acknowledgement"
    );
    describe_counter!(
        "relay_refused_total",
        "connections ended, documents closed and transactions rejected, by reason"
    );
}
