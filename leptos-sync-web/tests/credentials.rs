//! Credentials: fetching them, and renewing them before they expire and when the relay rejects
//! them.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use any_spawner::Executor;
use common::{Relay, Scratch, now, sleep, until, with_navigator};
use leptos::prelude::*;
use leptos_sync_core::{
    clock::{SystemTime, TimeSource},
    sync::Permission,
};
use leptos_sync_web::{
    Connection, Crdt, LwwRegister, SyncOptions, UseDocReturn, provide_sync,
    status::{Cause, Reason},
    use_doc,
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// Opens a document, like a page that was just loaded.
fn page(scratch: &Scratch, options: SyncOptions) -> (Owner, UseDocReturn<Page>) {
    // This fails in all tests but the first, which initializes the executor.
    let _ = Executor::init_wasm_bindgen();
    let owner = Owner::new();
    let page = owner.with(|| {
        provide_sync(options.database(scratch.name()).relay("/sync"));
        use_doc::<Page>("first")
    });
    owner.set();
    (owner, page)
}

fn is_unauthorized(connection: &Connection) -> bool {
    matches!(
        connection,
        Connection::Refused(Cause::Relay {
            reason: Reason::Unauthorized,
            ..
        })
    )
}

#[wasm_bindgen_test]
async fn rejected_credentials_are_renewed_and_sent() {
    let scratch = Scratch::new("refused-credentials");
    let relay = Relay::start();
    let options = SyncOptions::default().credentials(|| "old".to_owned());
    let (_owner, page) = page(&scratch, options.renew(async || Some("new".to_owned())));
    assert_eq!(relay.shown().await, ("old".to_owned(), false));
    relay.end(Reason::Unauthorized, "expired");
    assert_eq!(relay.shown().await, ("new".to_owned(), false));
    relay.admit();
    relay.opens(Permission::Write).await;
    until(move || page.connection.get() == Connection::Online).await;
}

#[wasm_bindgen_test]
async fn a_page_without_credentials_fetches_some_before_it_connects() {
    let scratch = Scratch::new("no-credentials");
    let relay = Relay::start();
    // The first call fails, as if the token server were down.
    let asked = Arc::new(AtomicUsize::new(0));
    let fetch = async move || {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        (asked > 0).then(|| "fetched".to_owned())
    };
    let (_owner, page) = page(&scratch, SyncOptions::default().renew(fetch));
    until(move || page.connection.get() == Connection::Offline(Cause::NoCredentials)).await;
    assert_eq!(relay.shown().await, ("fetched".to_owned(), false));
    relay.admit();
    relay.opens(Permission::Write).await;
    until(move || page.connection.get() == Connection::Online).await;
}

/// Returns a token that expires after some milliseconds.
fn token(milliseconds: u64) -> String {
    let seconds = (SystemTime.now_ms() + milliseconds) as f64 / 1_000.0;
    let claims = format!("{{\"sub\":\"ada\",\"exp\":{seconds}}}");
    let claims = window().btoa(&claims).unwrap();
    let claims = claims.trim_end_matches('=').replace('+', "-");
    format!("e30.{}.signature", claims.replace('/', "_"))
}

#[wasm_bindgen_test]
async fn a_token_is_renewed_on_the_open_connection_before_it_expires() {
    let scratch = Scratch::new("expiring");
    let relay = Relay::start();
    let first = token(2_000);
    let shown = first.clone();
    let options = SyncOptions::default().credentials(move || shown.clone());
    let (_owner, page) = page(&scratch, options.renew(async || Some(token(3_600_000))));
    assert_eq!(relay.shown().await, (first, false));
    relay.admit();
    relay.opens(Permission::Write).await;
    until(move || page.connection.get() == Connection::Online).await;
    let (second, again) = relay.shown().await;
    assert!(again && second.starts_with("e30."), "{second}");
    assert_eq!(page.connection.get_untracked(), Connection::Online);
}

/// Makes a page try to connect immediately.
fn hurry() {
    js_sys::eval("dispatchEvent(new Event('online'))").unwrap();
}

#[wasm_bindgen_test]
async fn refusals_of_old_credentials_do_not_postpone_the_fetch_of_new_ones() {
    let scratch = Scratch::new("refused-repeatedly");
    let relay = Relay::start();
    let asked = AtomicUsize::new(0);
    // The first request fails, as if the token server were down.
    let fetch = async move || {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        (asked > 2).then(|| "new".to_owned())
    };
    let options = SyncOptions::default().credentials(|| "old".to_owned());
    let (_owner, _page) = page(&scratch, options.renew(fetch));
    while relay.shown().await.0 == "old" {
        relay.end(Reason::Unauthorized, "expired");
        hurry();
    }
    relay.admit();
    relay.opens(Permission::Write).await;
}

/// The clock of the device or of the token server is wrong.
#[wasm_bindgen_test]
async fn tokens_that_seem_to_have_expired_are_fetched_at_growing_intervals() {
    let scratch = Scratch::new("always-expired");
    let relay = Relay::start();
    let asked = AtomicUsize::new(0);
    let fetch = async move || match asked.fetch_add(1, Ordering::Relaxed) {
        0..4 => Some(token(0)),
        _ => Some("valid".to_owned()),
    };
    let options = SyncOptions::default().credentials(|| token(0));
    let start = now();
    let (_owner, _page) = page(&scratch, options.renew(fetch));
    relay.shown().await;
    relay.admit();
    relay.opens(Permission::Write).await;
    while relay.shown().await.0 != "valid" {
        relay.admit();
    }
    // The delays are at least one second before the relay accepts the credentials, and one and two
    // seconds afterwards.
    let took = now() - start;
    assert!(took > 3_500.0, "{took} ms");
}

#[wasm_bindgen_test]
async fn a_failed_renewal_does_not_delay_those_of_later_tokens() {
    let scratch = Scratch::new("flaky-token-server");
    let relay = Relay::start();
    let asked = AtomicUsize::new(0);
    // Every other request fails.
    let fetch = async move || {
        let asked = asked.fetch_add(1, Ordering::Relaxed);
        (asked % 2 == 1).then(|| token(2_000))
    };
    let options = SyncOptions::default().credentials(|| token(2_000));
    let start = now();
    let (_owner, _page) = page(&scratch, options.renew(fetch));
    relay.shown().await;
    relay.admit();
    relay.opens(Permission::Write).await;
    for _ in 0..4 {
        assert!(relay.shown().await.1, "the connection is open");
        relay.admit();
    }
    // Each token is renewed after one second. If the delay grew after each failure, this would take
    // seven seconds more.
    let took = now() - start;
    assert!(took < 9_000.0, "{took} ms");
}

/// The delay after several failures is minutes.
#[wasm_bindgen_test]
async fn a_page_fetches_credentials_as_soon_as_the_network_returns() {
    let scratch = Scratch::new("back-online");
    let relay = Relay::start();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let fetch = async move || {
        let earlier = counter.fetch_add(1, Ordering::Relaxed);
        (earlier > 3).then(|| "fetched".to_owned())
    };
    let start = now();
    let (_owner, page) = page(&scratch, SyncOptions::default().renew(fetch));
    until(move || page.connection.get() == Connection::Offline(Cause::NoCredentials)).await;
    for requests in 1..5 {
        while asked.load(Ordering::Relaxed) < requests {
            sleep(0).await;
        }
        // The request ends after it was counted.
        sleep(0).await;
        hurry();
    }
    assert_eq!(relay.shown().await, ("fetched".to_owned(), false));
    // With the delays, this would take 15 seconds.
    let took = now() - start;
    assert!(took < 7_000.0, "{took} ms");
}

#[wasm_bindgen_test]
async fn a_page_without_network_and_credentials_reports_the_network() {
    let scratch = Scratch::new("neither");
    let _relay = Relay::start();
    with_navigator("onLine", "false", async || {
        let (_owner, page) = page(&scratch, SyncOptions::default().renew(async || None));
        until(move || page.connection.get() == Connection::Offline(Cause::Unreachable)).await;
    })
    .await;
}

/// The relay may reject them by mistake, for example while it cannot read its keys.
#[wasm_bindgen_test]
async fn rejected_credentials_are_sent_again_when_the_network_returns() {
    let scratch = Scratch::new("wrongly-refused");
    let relay = Relay::start();
    let options = SyncOptions::default().credentials(|| "good".to_owned());
    let (_owner, page) = page(&scratch, options);
    relay.shown().await;
    relay.end(Reason::Unauthorized, "no");
    until(move || is_unauthorized(&page.connection.get())).await;
    hurry();
    assert_eq!(relay.shown().await, ("good".to_owned(), false));
    assert!(
        is_unauthorized(&page.connection.get_untracked()),
        "the page is connecting until the relay answers"
    );
    relay.admit();
    relay.opens(Permission::Write).await;
    until(move || page.connection.get() == Connection::Online).await;
}

#[wasm_bindgen_test]
async fn credentials_that_change_while_the_page_connects_are_sent_once_it_is_admitted() {
    let scratch = Scratch::new("changing");
    let relay = Relay::start();
    let token = RwSignal::new("one".to_owned());
    let options = SyncOptions::default().credentials(move || token.get());
    let (_owner, page) = page(&scratch, options);
    assert_eq!(relay.shown().await, ("one".to_owned(), false));
    token.set("two".to_owned());
    leptos::task::tick().await;
    relay.admit();
    assert_eq!(relay.shown().await, ("two".to_owned(), true));
    relay.admit();
    relay.opens(Permission::Write).await;
    until(move || page.connection.get() == Connection::Online).await;
}
