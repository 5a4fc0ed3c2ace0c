//! The retention of tombstones, and unsent edits that are older than the retention.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;
mod histories;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use common::{ByName, Handle, Session, SwitchedLog, get, serve_relay};
use histories::{Writer, push};
use leptos_sync_core::{
    Time,
    clock::{ManualTime, TimeSource},
    limits::DRIFT_MS,
};
use leptos_sync_server::{
    AllowAnyone, DurableLog as _, History, MemoryLog, Relay, RelayOptions, SqliteLog, limits,
};
use tokio::time;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// The midnight at which the tests start.
const NOW_MS: u64 = 20_000 * DAY_MS;

/// Advances the time of the retention task and lets the task run.
async fn pass(ms: u64) {
    time::pause();
    time::advance(Duration::from_millis(ms + 10)).await;
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    time::resume();
}

/// Returns the number of tombstones in the log.
async fn tombstones(log: &SwitchedLog) -> usize {
    let all = log.range("board", None, 1 << 20).await.unwrap();
    let cells = all.cells.cells().groups().flat_map(|group| group.cells());
    cells.filter(|cell| cell.value.is_none()).count()
}

async fn history(log: &SwitchedLog) -> History {
    log.open("board", Vec::new()).await.unwrap()
}

async fn floor(log: &SwitchedLog) -> Time {
    history(log).await.floor
}

/// Serves a relay that admits clients by name. Returns its clock and its log too.
async fn serve(options: RelayOptions) -> (ManualTime, SwitchedLog, Relay, SocketAddr) {
    let (time, log) = (ManualTime::at(NOW_MS), SwitchedLog::in_memory());
    let relay = Relay::with_options(log.clone(), ByName, options.time(time.clone()));
    let (address, _) = serve_relay(&relay).await;
    (time, log, relay, address)
}

#[tokio::test]
async fn a_client_offline_beyond_the_retention_learns_of_removals_and_keeps_its_edits() {
    let (time, log, _relay, address) = serve(RelayOptions::default()).await;
    let (ada, bob) = (Handle::at(time.clone()), Handle::at(time.clone()));
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    for key in 1..=3 {
        at_ada.insert(key, "from Ada");
    }
    at_ada.acknowledged().await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_bob.until("all cards", |bob| bob.card(3).is_some()).await;
    drop(at_ada);
    ada.insert(4, "made while offline");
    at_bob.remove(1);
    at_bob.acknowledged().await;
    time.advance(80 * DAY_MS);
    at_bob.remove(2);
    at_bob.acknowledged().await;
    drop(at_bob);

    time.advance(9 * DAY_MS);
    pass(limits::FIRST_SWEEP_MS).await;
    assert_eq!(tombstones(&log).await, 2, "no tombstone is 90 days old");
    time.advance(2 * DAY_MS);
    pass(limits::SWEEP_MS).await;
    assert_eq!(
        tombstones(&log).await,
        1,
        "one tombstone is 91 days old, the other 11"
    );
    assert_eq!(floor(&log).await, Time::from_ms(NOW_MS + DAY_MS));

    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.acknowledged().await;
    let gone = |ada: &Handle| ada.card(1).is_none() && ada.card(2).is_none();
    at_ada.until("the removals", gone).await;
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_bob
        .until("Ada's edit", |bob| bob.card(4).is_some())
        .await;
    for handle in [&ada, &bob] {
        let cards = [1, 2, 3, 4].map(|key| handle.card(key));
        let cards = cards.map(|card| card.is_some());
        assert_eq!(cards, [false, false, true, true]);
        // The relay has asked for a later stamp, which is no rejection to the user.
        let refused = handle.state().refused.clone();
        assert!(refused.iter().all(|(reason, _)| reason.concerns_time()));
        assert_eq!(handle.cards().len(), 2);
    }
}

#[tokio::test]
async fn a_clock_that_once_ran_ahead_does_not_reject_later_edits() {
    let (time, log, _relay, address) = serve(RelayOptions::default()).await;
    let ada = Handle::at(time.clone());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "from Ada");
    at_ada.remove(1);
    at_ada.acknowledged().await;
    drop(at_ada);
    time.set(NOW_MS + 20_000 * DAY_MS);
    pass(limits::FIRST_SWEEP_MS).await;
    assert_eq!(
        tombstones(&log).await,
        0,
        "the tombstone is older by the relay's clock"
    );
    time.set(NOW_MS + 1);
    let bob = Handle::at(time.clone());
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_bob.insert(2, "from Bob");
    at_bob.acknowledged().await;
    assert!(floor(&log).await <= Time::from_ms(NOW_MS + 1));
    assert_eq!(bob.card(2).unwrap(), "from Bob");
}

#[tokio::test]
async fn tombstones_from_the_future_are_not_forgotten() {
    let (time, log, relay, address) = serve(RelayOptions::default()).await;
    let ada = Handle::at(time.clone());
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "from Ada");
    at_ada.acknowledged().await;
    let later = Time::from_ms(NOW_MS + 365 * DAY_MS);
    relay.forget_tombstones("board", later).await.unwrap();
    assert_eq!(floor(&log).await, Time::from_ms(NOW_MS - DRIFT_MS));
    let before = history(&log).await.state.witness.latest;
    at_ada.insert(2, "from Ada");
    at_ada.acknowledged().await;
    let after = history(&log).await.state.witness.latest;
    assert_eq!(after.get(), before.get() + 1, "the edit is stamped once");
    let sooner = Time::from_ms(NOW_MS - 2 * DRIFT_MS);
    relay.forget_tombstones("notes", sooner).await.unwrap();
}

#[tokio::test]
async fn a_relay_without_a_retention_forgets_nothing() {
    let (time, log, _relay, address) = serve(RelayOptions::default().retention(None)).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::at(time.clone())).await;
    ada.insert(1, "from Ada");
    ada.acknowledged().await;
    ada.remove(1);
    ada.acknowledged().await;
    drop(ada);
    time.advance(10_000 * DAY_MS);
    pass(limits::FIRST_SWEEP_MS + limits::SWEEP_MS).await;
    assert_eq!(tombstones(&log).await, 1);
    assert_eq!(floor(&log).await, Time::ZERO);
}

#[tokio::test]
async fn retention_processes_documents_at_most_once_a_day() {
    let (time, log, _relay, address) = serve(RelayOptions::default()).await;
    let mut ada = Session::open(address, "ada", "board", &Handle::at(time.clone())).await;
    ada.insert(1, "from Ada");
    ada.acknowledged().await;
    drop(ada);
    pass(limits::FIRST_SWEEP_MS).await;
    // A write would fail, and the health check would report that.
    log.fill(true);
    time.advance(DAY_MS / 2);
    pass(limits::SWEEP_MS).await;
    assert_eq!(get(address, "/sync/healthz").await.0, 200, "the same day");
    time.advance(DAY_MS / 2);
    pass(limits::SWEEP_MS).await;
    assert_eq!(get(address, "/sync/healthz").await.0, 503, "the next day");
    log.fill(false);
    assert_eq!(get(address, "/sync/healthz").await.0, 200);
}

#[tokio::test]
async fn a_damaged_document_does_not_stop_the_retention_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("relay.db");
    let log = SqliteLog::open(&path).unwrap();
    for document in ["a", "b", "c"] {
        let removal = Writer::new(1).write(1, [(b"card".to_vec(), None)]);
        push(&log, document, vec![removal]).unwrap();
    }
    drop(log);
    let file = rusqlite::Connection::open(&path).unwrap();
    let damage = "UPDATE heads SET head = x'00'
        WHERE document = (SELECT id FROM documents WHERE name = CAST('a' AS BLOB))";
    assert_eq!(file.execute(damage, []).unwrap(), 1);
    let log = SqliteLog::open(&path).unwrap();
    let relay = Relay::new(log, AllowAnyone);
    // Let the retention task run until it waits.
    tokio::task::yield_now().await;
    pass(limits::FIRST_SWEEP_MS).await;
    let left = || -> Vec<Vec<u8>> {
        let kept = "SELECT name FROM documents JOIN cells ON document = id WHERE value IS NULL";
        let mut query = file.prepare(kept).unwrap();
        let names = query.query_map([], |row| row.get(0)).unwrap();
        names.map(Result::unwrap).collect()
    };
    let only_a = async {
        while left() != [b"a"] {
            time::sleep(Duration::from_millis(5)).await;
        }
    };
    let done = time::timeout(Duration::from_secs(10), only_a).await;
    assert!(done.is_ok(), "{:?}", left());
    relay.shut_down().await;
}

/// A clock that counts its owners.
struct CountedClock(#[expect(dead_code, reason = "counts its owners")] Arc<()>);

impl TimeSource for CountedClock {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }
}

#[tokio::test]
async fn a_dropped_relay_releases_everything() {
    let held = Arc::new(());
    let options = RelayOptions::default().time(CountedClock(Arc::clone(&held)));
    let relay = Relay::with_options(MemoryLog::new().unwrap(), AllowAnyone, options);
    pass(limits::FIRST_SWEEP_MS).await;
    drop(relay);
    assert_eq!(Arc::strong_count(&held), 1);
}
