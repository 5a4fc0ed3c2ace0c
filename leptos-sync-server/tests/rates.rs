//! Who brings more than they may is slowed down, or ended; nothing is lost, and the others go on. Over real WebSockets.
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
    let relay = Relay::with_options(MemoryLog::new(), ByName, options);
    serve_relay(&relay).await.0
}

/// Somebody who has the board open, and an edit of theirs acknowledged.
async fn here(address: SocketAddr, name: &str, replica: u64) -> Session {
    let handle = Handle::new(replica);
    let mut session = Session::open(address, name, "board", &handle).await;
    session.insert(replica as u32, name);
    session.acknowledged().await;
    session
}

fn present(handle: &Handle) -> Vec<Vec<u8>> {
    handle.0.lock().unwrap().present.clone()
}

#[tokio::test]
async fn a_flood_of_presence_reaches_the_others_at_the_rate_and_ends_with_the_latest() {
    let presence = Rate::new(20, 50);
    let of_one = Rates {
        presence: Rate::new(20, 5),
        ..Rates::CONNECTION
    };
    let of_all = Rates {
        presence: Rate::new(20, 6),
        ..Rates::user()
    };
    let cases = [
        (RelayOptions::default().connection_rates(of_one), 5),
        // Two connections of one user are no more than both together may.
        (
            RelayOptions::default()
                .connection_rates(Rates {
                    presence,
                    ..Rates::CONNECTION
                })
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
                session.until("told", |_| true).await;
            }
            if at <= 2 {
                // Within what may be told at once.
                let both = move |bob: &Handle| present(bob).len() >= 2 * at as usize;
                bob.until("both are told", both).await;
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
        // Others' edits go on beside it.
        ada.insert(10, "from Ada");
        ada.acknowledged().await;
        bob.until("seen", |bob| bob.card(10).is_some()).await;
        bob.until("the latest", last).await;
        let told = present(&bob.handle).len();
        // For each of the two where the connections count alone.
        let most = (burst as f64 + 20.0 * start.elapsed().as_secs_f64())
            * if burst == 5 { 2.0 } else { 1.0 };
        assert!(told as f64 <= most, "{told} were told, and {most} may be");
        assert!(told >= 4, "not the latest alone");
    }
}

#[tokio::test]
async fn a_flood_of_presence_far_beyond_the_rate_ends_the_connection_and_no_other() {
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
    carol.until("gone", gone).await;
}

#[tokio::test]
async fn edits_beyond_the_rate_are_answered_later_and_all_are_kept() {
    let slow = Rate::new(50, 10);
    let frames = Rates {
        frames: slow,
        ..Rates::CONNECTION
    };
    let bytes = Rates {
        bytes: Rate::new(10_000, 10_000),
        ..Rates::CONNECTION
    };
    let both = Rates {
        frames: slow,
        ..Rates::user()
    };
    let text = "x".repeat(300);
    for (what, options, connections) in [
        (
            "frames",
            RelayOptions::default().connection_rates(frames),
            1,
        ),
        ("bytes", RelayOptions::default().connection_rates(bytes), 1),
        (
            "frames of a user",
            RelayOptions::default().user_rates(both),
            2,
        ),
    ] {
        let address = relay(options).await;
        let mut fast = Vec::new();
        for replica in 1..=connections {
            fast.push(here(address, "eve", replica).await);
        }
        let mut bob = here(address, "bob", 9).await;
        let start = Instant::now();
        for at in 0..60 {
            let session = at as usize % fast.len();
            fast[session].insert(100 + at, &text);
            fast[session].until("told", |_| true).await;
        }
        // Somebody else does not wait.
        bob.insert(10, "from Bob");
        bob.acknowledged().await;
        let seen = |bob: &Handle| (100..160).filter(|at| bob.card(*at).is_some()).count();
        assert!(seen(&bob.handle) < 60, "{what}: not all at once");
        for session in &mut fast {
            session.acknowledged().await;
        }
        let took = start.elapsed().as_secs_f64();
        // 60 frames, of 10 at once; 60 × 300 bytes, of 10,000 at once.
        let least = if what == "bytes" { 0.8 } else { 1.0 };
        assert!(took >= least, "{what}: took {took} s");
        bob.until("all of them", |bob| seen(bob) == 60).await;
    }
}

#[tokio::test]
async fn who_hangs_up_and_comes_back_has_not_rested() {
    let rates = Rates {
        frames: Rate::new(10, 5),
        ..Rates::user()
    };
    let address = relay(RelayOptions::default().user_rates(rates)).await;
    let start = Instant::now();
    // Each brings an opening and an edit at least, after the first frame, which is nobody's yet.
    for replica in 1..=10 {
        drop(here(address, "eve", replica).await);
    }
    let took = start.elapsed().as_secs_f64();
    assert!(took >= 1.5, "20 frames, of 5 at once, took {took} s");
}
