//! Rate limits over real WebSockets. The relay slows down or disconnects a client that exceeds its
//! rate; nothing is lost, and other clients are not affected.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::net::SocketAddr;

use common::{ByName, Handle, Honest, Session, serve_relay};
use leptos_sync_core::sync::Reason;
use leptos_sync_server::{MemoryLog, Rate, Rates, Relay, RelayOptions};
use tokio::time::Instant;

async fn relay(options: RelayOptions) -> SocketAddr {
    let relay = Relay::with_options(MemoryLog::new().unwrap(), ByName, options);
    serve_relay(&relay).await.0
}

/// Opens a session on the board and waits until its first edit is acknowledged.
async fn here(address: SocketAddr, name: &str, replica: u64) -> Session {
    let handle = Handle::new();
    let mut session = Session::open(address, name, "board", &handle).await;
    session.insert(replica as u32, name);
    session.acknowledged().await;
    session
}

fn present(handle: &Handle) -> Vec<Vec<u8>> {
    handle.0.lock().unwrap().present.clone()
}

#[tokio::test]
async fn excess_presence_is_throttled_and_ends_with_the_latest() {
    let presence = Rate::new(20, 50);
    let of_one = Rates::CONNECTION.presence(Rate::new(20, 5));
    let of_all = Rates::user().presence(Rate::new(20, 6));
    let cases = [
        (RelayOptions::default().connection_rates(of_one), 5),
        // Two connections of one user share the user's rate.
        (
            RelayOptions::default()
                .connection_rates(Rates::CONNECTION.presence(presence))
                .user_rates(of_all),
            6,
        ),
    ];
    for (options, burst) in cases {
        let address = relay(options).await;
        let (mut eve, mut again) = (here(address, "eve", 1).await, here(address, "eve", 2).await);
        let (mut bob, mut ada) = (here(address, "bob", 3).await, here(address, "ada", 4).await);
        let start = Instant::now();
        for at in 1..=40_u32 {
            for session in [&mut eve, &mut again] {
                let data = format!("{} at {at}", session.handle.card(1).is_some());
                let channel = session.channel;
                session
                    .client
                    .set_presence(channel, data.into_bytes())
                    .unwrap();
                session.until("presence", |_| true).await;
            }
            if at <= 2 {
                // Presence within the permitted burst arrives immediately.
                let both = move |bob: &Handle| present(bob).len() >= 2 * at as usize;
                bob.until("the presence of both", both).await;
            }
        }
        let last = |handle: &Handle| {
            let present = present(handle);
            present
                .iter()
                .filter(|data| data.ends_with(b" at 40"))
                .count()
                == 2
        };
        // Edits of other users continue.
        ada.insert(10, "from Ada");
        ada.acknowledged().await;
        bob.until("Ada's edit", |bob| bob.card(10).is_some()).await;
        bob.until("the latest presence", last).await;
        let told = present(&bob.handle).len();
        // Two connections are counted separately if only connections are limited.
        let most = (burst as f64 + 20.0 * start.elapsed().as_secs_f64())
            * if burst == 5 { 2.0 } else { 1.0 };
        assert!(
            told as f64 <= most,
            "{told} presences arrived, the limit is {most}"
        );
        assert!(told >= 4, "more than the latest presence arrives");
    }
}

#[tokio::test]
async fn presence_far_beyond_the_rate_ends_only_that_connection() {
    let address = relay(RelayOptions::default()).await;
    let mut honest = Honest::open(address).await;
    let (mut eve, mut carol) = (
        here(address, "eve", 9).await,
        here(address, "carol", 8).await,
    );
    honest.expect(9, "eve");
    honest.expect(8, "carol");
    for at in 0..5_000_u32 {
        let data = at.to_string().into_bytes();
        eve.client.set_presence(eve.channel, data).unwrap();
    }
    let (reason, text) = honest.beside(eve.ended()).await;
    assert_eq!(reason, Reason::Limit, "{text}");
    assert!(text.contains("presence"), "{text}");
    let gone = |carol: &Handle| present(carol).last().is_some_and(Vec::is_empty);
    carol.until("Eve's departure", gone).await;
}

#[tokio::test]
async fn edits_beyond_the_rate_are_delayed_but_never_lost() {
    let slow = Rate::new(50, 10);
    let frames = Rates::CONNECTION.frames(slow);
    let bytes = Rates::CONNECTION.bytes(Rate::new(10_000, 10_000));
    let both = Rates::user().frames(slow);
    for (what, options, connections) in [
        (
            "frames",
            RelayOptions::default().connection_rates(frames),
            1,
        ),
        ("bytes", RelayOptions::default().connection_rates(bytes), 1),
        ("cells", RelayOptions::default().connection_rates(bytes), 1),
        (
            "frames of a user",
            RelayOptions::default().user_rates(both),
            2,
        ),
    ] {
        let address = relay(options).await;
        // Without their cells, the edits of the case "cells" are smaller than the burst.
        let text = "x".repeat(if what == "cells" { 1 } else { 300 });
        let mut fast = Vec::new();
        for replica in 1..=connections {
            fast.push(here(address, "eve", replica).await);
        }
        let mut bob = here(address, "bob", 9).await;
        let start = Instant::now();
        for at in 0..60 {
            let session = at as usize % fast.len();
            fast[session].insert(100 + at, &text);
            fast[session].until("an answer", |_| true).await;
        }
        // Other users do not wait.
        bob.insert(10, "from Bob");
        bob.acknowledged().await;
        let seen = |bob: &Handle| (100..160).filter(|at| bob.card(*at).is_some()).count();
        assert!(seen(&bob.handle) < 60, "{what}: the edits are throttled");
        for session in &mut fast {
            session.acknowledged().await;
        }
        let took = start.elapsed().as_secs_f64();
        // The client sends 60 frames in bursts of 10, or 60 × 300 bytes in bursts of 10,000.
        let least = if what == "bytes" { 0.8 } else { 1.0 };
        assert!(took >= least, "{what}: took {took} s");
        bob.until("all edits", |bob| seen(bob) == 60).await;
    }
}

#[tokio::test]
async fn reconnecting_does_not_reset_the_rate() {
    let rates = Rates::user().frames(Rate::new(10, 5));
    let address = relay(RelayOptions::default().user_rates(rates)).await;
    let start = Instant::now();
    // Each connection sends at least an open and an edit. The first frame belongs to no user yet.
    for replica in 1..=10 {
        drop(here(address, "eve", replica).await);
    }
    let took = start.elapsed().as_secs_f64();
    assert!(took >= 1.5, "20 frames in bursts of 5 took {took} s");
}
