//! [`IndexedDbStorage`] in a misbehaving browser, whose exceptions and events are simulated.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use common::{Patch, Scratch};
use leptos_sync_core::{
    Error,
    storage::{Batch, Scan, Storage},
};
use leptos_sync_web::storage::IndexedDbStorage;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn put(key: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(key, "value").put(format!("{key}-too"), "value");
    batch
}

async fn count(storage: &IndexedDbStorage) -> usize {
    storage.scan(Scan::all()).await.unwrap().len()
}

#[wasm_bindgen_test]
async fn commit_reaches_the_browser_before_it_returns() {
    let scratch = Scratch::new("issued");
    let storage = scratch.open().await;
    let patch = Patch::method(
        "IDBTransaction",
        "commit",
        "globalThis.commits = (globalThis.commits ?? 0) + 1; return genuine.call(this)",
    );
    let before = common::global("commits");
    let future = storage.commit(put("a"));
    let after = common::global("commits");
    drop(future);
    drop(patch);
    assert_eq!(after.unwrap_or(0.0) - before.unwrap_or(0.0), 1.0);
    assert_eq!(count(&storage).await, 2);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn an_exceeded_quota_at_a_request_changes_nothing() {
    let scratch = Scratch::new("quota-request");
    let storage = scratch.open().await;
    let patch = Patch::method(
        "IDBObjectStore",
        "put",
        "if (new Uint8Array(key).length > 1) throw new DOMException('full', 'QuotaExceededError');
         return genuine.call(this, value, key)",
    );
    let error = storage.commit(put("a")).await.unwrap_err();
    drop(patch);
    assert!(error.is_quota(), "{error:?}");
    assert_eq!(
        count(&storage).await,
        0,
        "the successful put is rolled back"
    );
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn an_exceeded_quota_at_the_end_of_a_transaction_changes_nothing() {
    let scratch = Scratch::new("quota-transaction");
    let storage = scratch.open().await;
    let patch = Patch::method(
        "IDBTransaction",
        "commit",
        "Object.defineProperty(this, 'error', { value: new DOMException('full', 'QuotaExceededError') });
         this.abort()",
    );
    let error = storage.commit(put("a")).await.unwrap_err();
    drop(patch);
    assert!(error.is_quota(), "{error:?}");
    assert_eq!(count(&storage).await, 0);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn an_abort_without_a_reason_is_a_storage_error() {
    let scratch = Scratch::new("abort");
    let storage = scratch.open().await;
    let patch = Patch::method("IDBTransaction", "commit", "this.abort()");
    let error = storage.commit(put("a")).await.unwrap_err();
    drop(patch);
    assert!(error.is_storage() && !error.is_quota(), "{error:?}");
    assert_eq!(count(&storage).await, 0);
    scratch.delete().await;
}

const CLOSING_ONCE: &str = "if (!globalThis.closing) return genuine.apply(this, arguments);
     globalThis.closing -= 1;
     throw new DOMException('closing', 'InvalidStateError')";

#[wasm_bindgen_test]
async fn a_connection_that_turns_out_to_be_closing_is_replaced() {
    let scratch = Scratch::new("closing");
    let storage = scratch.open().await;
    let patch = Patch::method("IDBDatabase", "transaction", CLOSING_ONCE);
    common::set_global("closing", 1);
    let (a, b) = (storage.commit(put("a")), storage.commit(put("b")));
    a.await.unwrap();
    b.await.unwrap();
    common::set_global("closing", 1);
    assert_eq!(count(&storage).await, 4);
    drop(patch);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_connection_that_keeps_closing_is_an_error_and_not_a_loop() {
    let scratch = Scratch::new("closing-on");
    let storage = scratch.open().await;
    let patch = Patch::method("IDBDatabase", "transaction", CLOSING_ONCE);
    // Three calls fail: the first attempt, the reopening, and the second attempt.
    common::set_global("closing", 3);
    assert!(
        storage
            .commit(put("a"))
            .await
            .is_err_and(|error| error.is_storage())
    );
    common::set_global("closing", 3);
    assert!(
        storage
            .get(b"a")
            .await
            .is_err_and(|error| error.is_storage())
    );
    assert_eq!(count(&storage).await, 0, "the storage works afterwards");
    drop(patch);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_database_that_cannot_be_reopened_is_an_error_until_it_can() {
    let scratch = Scratch::new("reopen");
    let storage = scratch.open().await;
    scratch.delete().await;
    let errors = common::with_indexed_db("undefined", async || {
        let (a, b) = (storage.commit(put("a")), storage.commit(put("b")));
        [a.await.err(), b.await.err(), storage.get(b"a").await.err()]
    })
    .await;
    for error in &errors {
        assert!(error.as_ref().is_some_and(Error::is_storage), "{error:?}");
    }
    storage.commit(put("c")).await.unwrap();
    assert_eq!(count(&storage).await, 2);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn persistence_and_quota_are_requested_if_the_browser_offers_them() {
    let _granted_or_not: bool = leptos_sync_web::storage::request_persistence().await;
    let estimate = leptos_sync_web::storage::estimate_storage().await.unwrap();
    assert!(estimate.quota > estimate.usage);
    common::with_navigator("storage", "undefined", async || {
        assert!(!leptos_sync_web::storage::request_persistence().await);
        assert_eq!(leptos_sync_web::storage::estimate_storage().await, None);
    })
    .await;
}
