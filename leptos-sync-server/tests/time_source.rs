//! A relay whose time source has another unit rejects all connections, rather than storing edits
//! under wrong times.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use common::{ByName, HELLO, Handle, Raw, Session, now_ms, serve_relay};
use leptos_sync_core::{clock::ManualTime, sync::Reason};
use leptos_sync_server::{MemoryLog, Relay, RelayOptions};

#[tokio::test]
async fn a_relay_whose_time_source_has_another_unit_admits_no_client() {
    let now_ms = now_ms();
    for wrong in [now_ms / 1000, now_ms * 1000, now_ms * 1_000_000] {
        let time = ManualTime::at(wrong);
        let options = RelayOptions::default().time(time.clone());
        let relay = Relay::with_options(MemoryLog::new().unwrap(), ByName, options);
        let (address, _) = serve_relay(&relay).await;
        let mut raw = Raw::connect(address).await;
        raw.say(&HELLO).await;
        assert_eq!(raw.bye().await, Some(Reason::Unavailable));

        time.set(now_ms);
        let handle = Handle::new();
        let mut session = Session::open(address, "ada", "board", &handle).await;
        session.insert(1, "milk");
        session.acknowledged().await;
    }
}
