//! Leases of replica ids in a browser.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use common::Scratch;
use leptos_sync_core::storage::{Batch, Scan, Storage};
use leptos_sync_web::storage::{IndexedDbStorage, Lease};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn take(storage: &IndexedDbStorage) -> Lease {
    Lease::take(storage).await.unwrap()
}

async fn close(storage: &IndexedDbStorage, lease: Lease) {
    let mut batch = Batch::new();
    lease.release_write(&mut batch);
    storage.commit(batch).await.unwrap();
    drop(lease);
    settle().await;
}

/// Waits until the browser reports released locks, which takes a moment.
async fn settle() {
    common::sleep(20).await;
}

#[wasm_bindgen_test]
async fn leases_at_one_time_have_different_ids() {
    let scratch = Scratch::new("lease-two");
    let (one, two) = (scratch.open().await, scratch.open().await);
    let (a, b) = futures::join!(take(&one), take(&two));
    assert_ne!(a.replica(), b.replica());
    let c = take(&one).await;
    assert!(![a.replica(), b.replica()].contains(&c.replica()));
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_returned_id_is_leased_again() {
    let scratch = Scratch::new("lease-reuse");
    let storage = scratch.open().await;
    let first = take(&storage).await;
    let other = take(&storage).await;
    let id = first.replica();
    close(&storage, first).await;
    let second = take(&scratch.open().await).await;
    assert_eq!(second.replica(), id);
    assert_ne!(other.replica(), id);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_returned_id_is_not_leased_while_its_holder_lives() {
    let scratch = Scratch::new("lease-held");
    let storage = scratch.open().await;
    let first = take(&storage).await;
    let mut batch = Batch::new();
    first.release_write(&mut batch);
    storage.commit(batch).await.unwrap();
    let second = take(&storage).await;
    assert_ne!(second.replica(), first.replica());
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn an_id_whose_holder_died_is_retired() {
    let scratch = Scratch::new("lease-dead");
    let storage = scratch.open().await;
    let first = take(&storage).await;
    let dead = first.replica();
    drop(first);
    settle().await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let lease = take(&storage).await;
        assert_ne!(lease.replica(), dead);
        seen.push(lease.replica());
        close(&storage, lease).await;
    }
    assert!(
        seen.windows(2).all(|pair| pair[0] == pair[1]),
        "sequential tabs need one id"
    );
    let pool = storage.scan(Scan::all()).await.unwrap();
    assert_eq!(pool.len(), 1, "the retired id has left the pool");
    scratch.delete().await;
}

/// The page then creates its own id, which does not belong to the pool.
#[wasm_bindgen_test]
async fn without_locks_there_is_no_lease() {
    let scratch = Scratch::new("lease-refused");
    let storage = scratch.open().await;
    for refusal in [
        "undefined",
        "{ request() { throw new DOMException('no', 'SecurityError') } }",
        "{ request() { return Promise.reject(new DOMException('no', 'SecurityError')) } }",
    ] {
        let refused =
            common::with_navigator("locks", refusal, async || Lease::take(&storage).await.err());
        let error = refused.await.expect(refusal);
        assert!(error.is_unavailable(), "{refusal}: {error}");
    }
    assert_eq!(storage.scan(Scan::all()).await.unwrap(), []);
    scratch.delete().await;
}

/// A newer build may write data that this build does not know.
#[wasm_bindgen_test]
async fn a_slot_with_unknown_data_is_left_unchanged() {
    let scratch = Scratch::new("lease-unknown");
    let storage = scratch.open().await;
    let mut batch = Batch::new();
    batch.put(*b"L\0\0\0\0", *b"\x07newer");
    storage.commit(batch).await.unwrap();
    let _lease = take(&storage).await;
    let pool = storage.scan(Scan::all()).await.unwrap();
    assert_eq!(pool.len(), 2);
    assert_eq!(pool[0].1, b"\x07newer");
    scratch.delete().await;
}
