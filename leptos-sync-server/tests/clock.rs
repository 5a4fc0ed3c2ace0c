//! Clocks that were wrong: the relay's, and those of clients.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::net::SocketAddr;

use common::{ByName, Handle, Session, SwitchedLog, get, serve_relay};
use leptos_sync_core::{Time, clock::ManualTime, limits::DRIFT_MS};
use leptos_sync_server::{DurableLog as _, History, Relay, RelayOptions, limits};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const NOW_MS: u64 = 20_000 * DAY_MS;

async fn serve(options: RelayOptions) -> (SwitchedLog, Relay, SocketAddr) {
    let log = SwitchedLog::in_memory();
    let relay = Relay::with_options(log.clone(), ByName, options);
    let (address, _) = serve_relay(&relay).await;
    (log, relay, address)
}

async fn history(log: &SwitchedLog) -> History {
    log.open("board", Vec::new()).await.unwrap()
}

fn refusals(handle: &Handle) -> usize {
    handle.state().refused.len()
}

#[tokio::test]
async fn a_document_with_stamps_from_the_future_stays_usable_by_everyone() {
    for ahead_ms in [DAY_MS, 400 * DAY_MS] {
        let wall = ManualTime::at(NOW_MS + ahead_ms);
        let (_log, _relay, address) = serve(RelayOptions::default().time(wall.clone())).await;
        // A page takes the time from its relay.
        let ada = Handle::at(wall.clone());
        let mut at_ada = Session::open(address, "ada", "board", &ada).await;
        at_ada.insert(1, "while all clocks were ahead");
        at_ada.acknowledged().await;
        wall.set(NOW_MS);

        let bob = Handle::at(wall.clone());
        bob.insert(2, "made offline");
        let mut at_bob = Session::open(address, "bob", "board", &bob).await;
        at_bob
            .until("Ada's card", |bob| bob.card(1).is_some())
            .await;
        for n in 0..40 {
            at_bob.insert(1, &format!("Bob's {n}"));
            at_bob.acknowledged().await;
            at_ada.insert(3, &format!("Ada's {n}"));
            at_ada.acknowledged().await;
        }
        let has_all = |handle: &Handle| {
            let [first, third] = [1, 3].map(|key| handle.card(key));
            first.as_deref() == Some("Bob's 39") && third.as_deref() == Some("Ada's 39")
        };
        at_ada.until("Bob's edits", has_all).await;
        at_bob.until("Ada's edits", has_all).await;
        assert_eq!(bob.card(2).as_deref(), Some("made offline"));
        assert_eq!((refusals(&ada), refusals(&bob)), (0, 0));
    }
}

#[tokio::test]
async fn nobody_can_push_a_documents_time_into_the_future() {
    let wall = ManualTime::at(NOW_MS);
    let (log, _relay, address) = serve(RelayOptions::default().time(wall.clone())).await;
    // This client does not take the time from the relay.
    let mallory = Handle::at(ManualTime::at(NOW_MS + DAY_MS));
    let mut at_mallory = Session::open(address, "mallory", "board", &mallory).await;
    for key in 0..5 {
        at_mallory.insert(key, "early");
        at_mallory
            .until("an answer", |handle| {
                handle.unanswered() == 0 || refusals(handle) > 0
            })
            .await;
    }
    let latest = history(&log).await.state.witness.latest;
    assert!(latest.ms() <= NOW_MS + DRIFT_MS, "{latest:?}");
}

#[tokio::test]
async fn a_relay_whose_clock_jumps_goes_on_with_the_old_time_and_says_so() {
    let (wall, boot) = (ManualTime::at(NOW_MS), ManualTime::at(1_000));
    let options = RelayOptions::default()
        .time(wall.clone())
        .boot_time(boot.clone());
    let (log, relay, address) = serve(options).await;
    let ada = Handle::at(ManualTime::at(NOW_MS));
    let mut at_ada = Session::open(address, "ada", "board", &ada).await;
    at_ada.insert(1, "milk");
    at_ada.remove(1);
    at_ada.acknowledged().await;

    wall.advance(400 * DAY_MS);
    let (status, text) = get(address, "/sync/healthz").await;
    assert_eq!(status, 200, "it still serves clients");
    assert!(
        text.contains("degraded") && text.contains("clock"),
        "{text}"
    );
    // A client whose clock went wrong together with the relay's is still corrected.
    let bob = Handle::at(wall.clone());
    let mut at_bob = Session::open(address, "bob", "board", &bob).await;
    at_bob.insert(2, "bread");
    at_bob
        .until("an answer", |bob| {
            bob.unanswered() == 0 || refusals(bob) > 0
        })
        .await;
    let found = history(&log).await;
    assert!(found.state.witness.latest.ms() <= NOW_MS + DRIFT_MS);
    relay
        .forget_tombstones("board", Time::from_ms(NOW_MS + 300 * DAY_MS))
        .await
        .unwrap();
    let found = history(&log).await;
    assert_eq!(found.floor, Time::ZERO, "nothing was forgotten");

    wall.advance(limits::CLOCK_SETTLE_MS);
    boot.advance(limits::CLOCK_SETTLE_MS);
    assert_eq!(get(address, "/sync/healthz").await.1, "ok");
    relay
        .forget_tombstones("board", Time::from_ms(NOW_MS + 300 * DAY_MS))
        .await
        .unwrap();
    let found = history(&log).await;
    assert!(found.floor > Time::ZERO, "the clock is used now");
    // The history before a jump may be wrong, so it is another epoch.
    let before = found.state.epoch();
    at_ada.insert(3, "after the jump");
    at_ada.acknowledged().await;
    assert_ne!(history(&log).await.state.epoch(), before);
}
