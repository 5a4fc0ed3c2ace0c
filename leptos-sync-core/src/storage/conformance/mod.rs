//! The laws of [`Storage`], as a suite that runs on any implementation.
//!
//! Available with the feature `testing`. The suite needs no threads, clock or runtime, only an
//! executor that polls it, so it runs in a browser too.
//!
//! ```
//! use std::{pin::pin, task::{Context, Poll, Waker}};
//! use leptos_sync_core::storage::{MemoryStorage, conformance};
//!
//! let suite = pin!(conformance::run(async || MemoryStorage::new()));
//! // Memory never waits, so one poll suffices.
//! assert!(suite.poll(&mut Context::from_waker(Waker::noop())).is_ready());
//! ```

mod ask;
mod commits;
mod conditions;
mod model;
mod scans;

use self::ask::{commit, got, putting, records, removing, scanned, succeeds};
use super::{Batch, Scan, Storage};

/// Runs every law, each on a new, empty store from `fresh`.
///
/// Makes about 600 commits and 2,200 reads of at most 2 MiB each.
///
/// # Panics
///
/// If a law does not hold; the message names it.
pub async fn run<S: Storage>(fresh: impl AsyncFn() -> S) {
    an_empty_store_has_nothing(&fresh().await).await;
    a_get_returns_what_was_put(&fresh().await).await;
    get_many_returns_values_in_the_order_of_its_keys(&fresh().await).await;
    writes_of_a_batch_take_effect_in_order(&fresh().await).await;
    keys_and_values_may_be_empty_or_large(&fresh().await).await;
    scans::keys_are_ordered_as_bytes(&fresh().await).await;
    scans::scans_respect_their_bounds(&fresh().await).await;
    scans::scans_respect_their_prefix(&fresh().await).await;
    scans::scans_respect_limit_and_direction(&fresh().await).await;
    commits::commits_take_effect_in_call_order(&fresh().await).await;
    commits::a_dropped_commit_takes_effect(&fresh().await).await;
    commits::a_scan_sees_whole_batches(&fresh().await).await;
    commits::a_batch_may_be_large(&fresh().await).await;
    conditions::a_batch_is_applied_only_if_its_condition_holds(&fresh().await).await;
    conditions::of_commits_with_one_expectation_the_first_is_applied(&fresh().await).await;
    conditions::a_dropped_conditional_commit_takes_effect(&fresh().await).await;
    for seed in 1..=4 {
        model::random_histories_agree_with_a_model(&fresh().await, seed).await;
    }
}

async fn an_empty_store_has_nothing(store: &impl Storage) {
    assert_eq!(got(store, b"key").await, None, "a missing key has no value");
    assert!(
        scanned(store, Scan::all()).await.is_empty(),
        "an empty store has no records"
    );
    assert!(
        scanned(store, Scan::prefix(b"k").reverse())
            .await
            .is_empty()
    );
    commit(store, Batch::new(), "an empty batch").await;
    commit(store, removing(&[b"key"]), "removing a missing key").await;
    assert!(scanned(store, Scan::all()).await.is_empty());
}

async fn a_get_returns_what_was_put(store: &impl Storage) {
    commit(store, putting(&[(b"a", b"1"), (b"b", b"2")]), "two puts").await;
    assert_eq!(got(store, b"a").await.as_deref(), Some(&b"1"[..]));
    assert_eq!(got(store, b"b").await.as_deref(), Some(&b"2"[..]));
    assert_eq!(got(store, b"").await, None);
    assert_eq!(got(store, b"ab").await, None);

    let mut batch = putting(&[(b"a", b"3")]);
    batch.strict();
    commit(store, batch, "a strict put").await;
    assert_eq!(
        got(store, b"a").await.as_deref(),
        Some(&b"3"[..]),
        "a put replaces the value"
    );

    commit(store, removing(&[b"a"]), "a removal").await;
    assert_eq!(got(store, b"a").await, None, "a removed key has no value");
    assert_eq!(
        got(store, b"b").await.as_deref(),
        Some(&b"2"[..]),
        "other keys stay"
    );
}

async fn get_many_returns_values_in_the_order_of_its_keys(store: &impl Storage) {
    commit(
        store,
        putting(&[(b"a", b"1"), (b"b", b"2"), (b"c", b"")]),
        "three puts",
    )
    .await;
    let keys: [&[u8]; 6] = [b"c", b"x", b"a", b"a", b"", b"b"];
    let values = succeeds(store.get_many(&keys).await, "get_many");
    let expected = [
        Some(&b""[..]),
        None,
        Some(b"1"),
        Some(b"1"),
        None,
        Some(b"2"),
    ];
    let values: Vec<Option<&[u8]>> = values.iter().map(Option::as_deref).collect();
    assert_eq!(
        values, expected,
        "one value per key, in order, also for missing and repeated keys"
    );
    assert!(succeeds(store.get_many(&[]).await, "get_many of nothing").is_empty());
}

async fn writes_of_a_batch_take_effect_in_order(store: &impl Storage) {
    let mut batch = Batch::new();
    batch.put(*b"a", *b"1").delete(*b"a").put(*b"a", *b"2");
    batch.put(*b"b", *b"1").delete(*b"b");
    batch.delete(*b"c").put(*b"c", *b"3");
    batch.put(*b"d", *b"1").put(*b"d", *b"2");
    commit(store, batch, "a batch of repeated keys").await;
    assert_eq!(
        scanned(store, Scan::all()).await,
        records(&[(b"a", b"2"), (b"c", b"3"), (b"d", b"2")])
    );
}

async fn keys_and_values_may_be_empty_or_large(store: &impl Storage) {
    let long_key = vec![0xab; 1024];
    let large_value: Vec<u8> = (0..1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let mut batch = Batch::new();
    batch.put(*b"", *b"empty key").put(*b"empty value", *b"");
    batch
        .put(long_key.clone(), *b"long key")
        .put(*b"large value", large_value.clone());
    commit(store, batch, "empty and large keys and values").await;
    assert_eq!(got(store, b"").await.as_deref(), Some(&b"empty key"[..]));
    assert_eq!(
        got(store, b"empty value").await.as_deref(),
        Some(&b""[..]),
        "an empty value is a value"
    );
    assert_eq!(
        got(store, &long_key).await.as_deref(),
        Some(&b"long key"[..])
    );
    assert!(
        got(store, b"large value").await == Some(large_value),
        "a value of 1 MiB round-trips"
    );
    let first = scanned(store, Scan::all().limit(1)).await;
    assert_eq!(
        first,
        records(&[(b"", b"empty key")]),
        "the empty key sorts first"
    );
    commit(store, removing(&[b""]), "removing the empty key").await;
    assert_eq!(got(store, b"").await, None);
}
