//! Token servers whose answers are useless, late or missing.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use any_spawner::Executor;
use common::{Relay, Scratch, now, sleep};
use leptos::prelude::*;
use leptos_sync_core::clock::{SystemTime, TimeSource};
use leptos_sync_web::{Crdt, LwwRegister, SyncOptions, provide_sync, use_doc};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// A guard that makes timers faster than the clock until it is dropped.
struct FastTimers;

/// The factor by which timers are faster.
const FASTER: f64 = 50.0;

impl FastTimers {
    fn start() -> Self {
        let js = format!(
            "globalThis.genuineTimeout ??= setTimeout;
             globalThis.setTimeout = (work, ms, ...rest) => genuineTimeout(work, ms / {FASTER}, ...rest)"
        );
        js_sys::eval(&js).unwrap();
        Self
    }
}

impl Drop for FastTimers {
    fn drop(&mut self) {
        js_sys::eval("globalThis.setTimeout = genuineTimeout").unwrap();
    }
}

/// Returns a token that expires after some milliseconds. If the number is negative, it has already
/// expired.
fn token(valid_ms: i64) -> String {
    let seconds = SystemTime.now_ms().saturating_add_signed(valid_ms) as f64 / 1_000.0;
    let claims = format!("{{\"sub\":\"ada\",\"exp\":{seconds}}}");
    let claims = window().btoa(&claims).unwrap();
    let claims = claims.trim_end_matches('=').replace('+', "-");
    format!("e30.{}.signature", claims.replace('/', "_"))
}

/// Opens a page whose token server is `fetch`, which receives the number of earlier requests. Waits
/// for `requests` requests, and returns how many seconds passed until then by the page's timers.
async fn seconds_until(
    requests: usize,
    fetch: impl AsyncFn(usize) -> Option<String> + Send + Sync + 'static,
) -> f64 {
    // Only the first call initializes the executor. Later ones fail.
    let _ = Executor::init_wasm_bindgen();
    let scratch = Scratch::new("bad-credentials");
    let _relay = Relay::start();
    let _fast = FastTimers::start();
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let fetch = async move || fetch(counter.fetch_add(1, Ordering::Relaxed)).await;
    let start = now();
    let owner = Owner::new();
    owner.with(|| {
        let options = SyncOptions::default().database(scratch.name());
        provide_sync(options.relay("/sync").renew(fetch));
        use_doc::<Page>("first");
    });
    while asked.load(Ordering::Relaxed) < requests {
        sleep(0).await;
    }
    (now() - start) * FASTER / 1_000.0
}

/// The server may cache its tokens, or its clock may be wrong.
#[wasm_bindgen_test]
async fn a_server_whose_tokens_have_expired_is_asked_at_growing_intervals() {
    for valid_ms in [-86_400_000, 0, 20] {
        let seconds = seconds_until(5, async move |_| Some(token(valid_ms))).await;
        // The requests follow after 0, 0, 1, 2 and 4 seconds.
        assert!(seconds >= 6.0, "{valid_ms} ms: {seconds} seconds");
    }
}

#[wasm_bindgen_test]
async fn a_request_for_a_token_that_never_ends_is_repeated() {
    let seconds = seconds_until(3, async |earlier| {
        if earlier < 2 {
            std::future::pending::<()>().await;
        }
        Some("at last".to_owned())
    });
    let seconds = seconds.await;
    assert!((60.0..120.0).contains(&seconds), "{seconds} seconds");
}
