//! Metrics and log lines of a relay.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::{
    io,
    sync::{Arc, Mutex},
};

use common::{Answer, ByName, Handle, Raw, Session, SwitchedLog, card, get, now_ms, serve_relay};
use leptos_sync_core::sync::Reason;
use leptos_sync_server::{MemoryLog, Prometheus, Relay, RelayOptions};

/// A writer that collects log lines.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the value of a metric. `metric` includes the labels in their written form.
fn value(exposition: &str, metric: &str) -> f64 {
    let line = exposition
        .lines()
        .find_map(|line| line.strip_prefix(metric));
    let line = line.unwrap_or_else(|| panic!("no {metric} in {exposition}"));
    line.trim().parse().unwrap()
}

#[tokio::test]
async fn metrics_count_edits_and_log_lines_name_the_user_and_the_document() {
    let said = Captured::default();
    let writer = said.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    tracing_subscriber::util::SubscriberInitExt::init(subscriber);
    let exposition = Prometheus::install().unwrap();
    assert!(
        Prometheus::install().err().unwrap().is_invalid(),
        "only one recorder is installed in this process"
    );
    let log = SwitchedLog::in_memory();
    let options = RelayOptions::default().prometheus(exposition);
    let relay = Relay::with_options(log.clone(), ByName, options);
    let (address, _) = serve_relay(&relay).await;

    let mut ada = Session::open(address, "ada", "board", &Handle::new()).await;
    let mut bob = Session::open(address, "bob", "board", &Handle::new()).await;
    for key in 1..=20 {
        ada.insert(key, "from Ada");
        ada.acknowledged().await;
    }
    bob.until("Ada's edits", |bob| bob.card(20).is_some()).await;
    let mut guest = Raw::open(address, "guest", "notes").await;
    guest.push(&[card(9, now_ms(), "may not")]).await;
    assert_eq!(guest.answer().await, Answer::Reject(Reason::Forbidden));
    for _ in 0..3 {
        guest.say(b"\x02\x05guest").await;
        guest.next_of(2).await;
    }

    let (status, text) = get(address, "/sync/metrics").await;
    assert_eq!(status, 200, "{text}");
    let value = |metric: &str| value(&text, metric);
    assert_eq!(value("relay_sockets "), 3.0);
    assert_eq!(value("relay_documents "), 2.0);
    assert_eq!(value("relay_queued_events "), 0.0);
    assert_eq!(value("relay_transactions_total "), 20.0);
    assert_eq!(value("relay_operations_total "), 20.0);
    assert_eq!(value("relay_acknowledge_seconds_count "), 20.0);
    let quantile = |q: &str| value(&format!("relay_acknowledge_seconds{{quantile=\"{q}\"}}"));
    let (p50, p95, p99) = (quantile("0.5"), quantile("0.95"), quantile("0.99"));
    assert!(0.0 < p50 && p50 <= p95 && p95 <= p99, "{p50} {p95} {p99}");
    let refused = "relay_refused_total{what=\"transaction\",reason=\"Forbidden\"}";
    assert_eq!(value(refused), 1.0);
    for name in ["ada", "bob", "guest", "board", "notes"] {
        assert!(!text.contains(name), "the metrics expose the name {name}");
    }

    // The disk fails.
    log.switch(false);
    ada.insert(21, "lost?");
    let closed = |ada: &Handle| ada.state().closed.is_some();
    ada.until("the connection to close", closed).await;
    let reason = ada.handle.state().closed.as_ref().unwrap().0;
    assert_eq!(reason, Reason::Unavailable);
    // Bob may lack the edit, and the relay cannot read it.
    bob.until("the document to close", closed).await;
    let (_, later) = get(address, "/sync/metrics").await;
    let refused = "relay_refused_total{what=\"document\",reason=\"Unavailable\"}";
    assert_eq!(self::value(&later, refused), 2.0);
    drop((ada, bob, guest));
    relay.shut_down().await;
    let (_, last) = get(address, "/sync/metrics").await;
    assert_eq!(self::value(&last, "relay_sockets "), 0.0);
    assert_eq!(self::value(&last, "relay_documents "), 0.0);
    assert_eq!(self::value(&last, "relay_queued_events "), 0.0);

    let said = String::from_utf8(said.0.lock().unwrap().clone()).unwrap();
    let line = |parts: &[&str]| {
        let found = said
            .lines()
            .any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "{parts:?} in {said}");
    };
    line(&["INFO", "user=\"bob\"", "admitted"]);
    line(&["DEBUG", "user=\"ada\"", "name=\"board\"", "opened"]);
    line(&["DEBUG", "user=\"guest\"", "name=\"notes\"", "rejected"]);
    line(&["DEBUG", "user=\"guest\"", "renewed"]);
    let names = said.lines().map(|line| line.matches("user=").count());
    assert_eq!(names.max(), Some(1), "{said}");
    line(&[
        "ERROR",
        "user=\"ada\"",
        "name=\"board\"",
        "the disk is gone",
    ]);
}

#[tokio::test]
async fn metrics_are_served_only_if_enabled() {
    let relay = Relay::new(MemoryLog::new().unwrap(), ByName);
    let (address, _) = serve_relay(&relay).await;
    assert_eq!(get(address, "/sync/metrics").await.0, 404);
}
