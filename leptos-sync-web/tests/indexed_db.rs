//! [`IndexedDbStorage`] in a browser: the behaviour that users of a page would notice.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a panic here is a failed test"
)]

mod common;

use std::ops::Bound;

use common::{Scratch, now, raw_open};
use leptos_sync_core::{
    Error,
    storage::{Batch, Scan, Storage},
};
use leptos_sync_web::storage::IndexedDbStorage;
use wasm_bindgen_test::{console_log, wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn put(key: &str, value: &str) -> Batch {
    let mut batch = Batch::new();
    batch.put(key, value);
    batch
}

async fn keys(storage: &IndexedDbStorage, scan: Scan) -> Vec<String> {
    let records = storage.scan(scan).await.unwrap();
    records
        .into_iter()
        .map(|(key, _)| String::from_utf8(key).unwrap())
        .collect()
}

#[wasm_bindgen_test]
async fn a_batch_is_read_back_on_another_connection() {
    let scratch = Scratch::new("round-trip");
    let storage = scratch.open().await;
    let other = scratch.open().await;
    let mut batch = put("a", "1");
    batch
        .put("b", "2")
        .put("c", Vec::new())
        .delete("a")
        .put("b", "3");
    storage.commit(batch).await.unwrap();
    let found = other
        .get_many(&[b"b", b"a", b"c", b"", b"b"])
        .await
        .unwrap();
    let three = Some(b"3".to_vec());
    assert_eq!(found, [three.clone(), None, Some(vec![]), None, three]);
    assert_eq!(
        other.get(b"b").await.unwrap().as_deref(),
        Some(b"3".as_slice())
    );
    other.commit(put("d", "4")).await.unwrap();
    assert_eq!(keys(&storage, Scan::all()).await, ["b", "c", "d"]);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn scans_follow_bounds_limit_and_direction() {
    let scratch = Scratch::new("scan");
    let storage = scratch.open().await;
    let mut batch = Batch::new();
    for key in ["", "a", "aa", "b", "c"] {
        batch.put(key, key);
    }
    storage.commit(batch).await.unwrap();
    let range = |start, end| Scan {
        start,
        end,
        ..Scan::all()
    };
    let (incl, excl) = (
        |key: &str| Bound::Included(key.into()),
        |key: &str| Bound::Excluded(key.into()),
    );
    for (scan, expected) in [
        (Scan::all(), vec!["", "a", "aa", "b", "c"]),
        (Scan::all().reverse(), vec!["c", "b", "aa", "a", ""]),
        (Scan::all().limit(2), vec!["", "a"]),
        (Scan::all().reverse().limit(2), vec!["c", "b"]),
        (
            Scan::all().reverse().limit(9),
            vec!["c", "b", "aa", "a", ""],
        ),
        (Scan::all().limit(0), vec![]),
        (Scan::prefix(b"a"), vec!["a", "aa"]),
        (Scan::prefix(b"a").reverse().limit(1), vec!["aa"]),
        (Scan::prefix(b"x").reverse().limit(1), vec![]),
        (range(incl("a"), excl("b")), vec!["a", "aa"]),
        (range(excl("a"), incl("b")), vec!["aa", "b"]),
        (range(Bound::Unbounded, excl("b")), vec!["", "a", "aa"]),
        (range(Bound::Unbounded, incl("b")), vec!["", "a", "aa", "b"]),
        (range(excl("b"), Bound::Unbounded), vec!["c"]),
        (range(incl("b"), excl("b")), vec![]),
        (range(incl("c"), incl("a")), vec![]),
    ] {
        assert_eq!(keys(&storage, scan.clone()).await, expected, "{scan:?}");
    }
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn keys_are_ordered_as_bytes() {
    let scratch = Scratch::new("order");
    let storage = scratch.open().await;
    let sorted: Vec<Vec<u8>> = vec![
        vec![0],
        vec![0, 0],
        vec![1],
        vec![1, 255],
        vec![127],
        vec![128],
        vec![255, 255],
    ];
    let mut batch = Batch::new();
    for key in sorted.iter().rev() {
        batch.put(key.clone(), key.clone());
    }
    storage.commit(batch).await.unwrap();
    let found = storage.scan(Scan::all()).await.unwrap();
    assert_eq!(
        found,
        sorted
            .into_iter()
            .map(|key| (key.clone(), key))
            .collect::<Vec<_>>()
    );
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_batch_is_applied_even_if_its_future_is_dropped() {
    let scratch = Scratch::new("dropped");
    let storage = scratch.open().await;
    for n in 0..20_u8 {
        drop(storage.commit(put(&n.to_string(), "kept")));
    }
    drop(storage);
    assert_eq!(keys(&scratch.open().await, Scan::all()).await.len(), 20);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn the_call_of_commit_fixes_the_order_of_batches() {
    let scratch = Scratch::new("place");
    let storage = scratch.open().await;
    let first = storage.commit(put("k", "first"));
    let second = storage.commit(put("k", "second"));
    second.await.unwrap();
    first.await.unwrap();
    assert_eq!(
        storage.get(b"k").await.unwrap().as_deref(),
        Some(b"second".as_slice())
    );
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn strict_and_empty_batches_are_applied() {
    let scratch = Scratch::new("strict");
    let storage = scratch.open().await;
    let mut batch = put("k", "strict");
    batch.strict();
    storage.commit(batch).await.unwrap();
    storage.commit(Batch::new()).await.unwrap();
    assert_eq!(keys(&storage, Scan::all()).await, ["k"]);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn an_upgrade_by_another_tab_is_not_blocked_and_the_storage_recovers() {
    let scratch = Scratch::new("upgrade");
    let storage = scratch.open().await;
    storage.commit(put("a", "1")).await.unwrap();
    raw_open(scratch.name(), 7).await.expect("not blocked");
    assert_eq!(keys(&storage, Scan::all()).await, ["a"]);
    storage.commit(put("b", "2")).await.unwrap();
    assert_eq!(keys(&scratch.open().await, Scan::all()).await, ["a", "b"]);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_deletion_by_another_tab_is_not_blocked_and_the_storage_is_empty() {
    let scratch = Scratch::new("deletion");
    let storage = scratch.open().await;
    storage.commit(put("a", "1")).await.unwrap();
    scratch.delete().await;
    let batches: Vec<_> = (0..5)
        .map(|n| storage.commit(put("b", &n.to_string())))
        .collect();
    for batch in batches {
        batch.await.unwrap();
    }
    assert_eq!(
        storage.get(b"b").await.unwrap().as_deref(),
        Some(b"4".as_slice()),
        "batches are applied in the order of the calls"
    );
    assert_eq!(keys(&storage, Scan::all()).await, ["b"]);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_batch_dropped_while_the_database_reopens_is_applied() {
    let scratch = Scratch::new("dropped-closed");
    let storage = scratch.open().await;
    scratch.delete().await;
    drop(storage.commit(put("a", "1")));
    assert_eq!(keys(&storage, Scan::all()).await, ["a"]);
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn a_database_of_another_program_is_rejected_unchanged() {
    let scratch = Scratch::new("foreign");
    raw_open(scratch.name(), 1).await.expect("made");
    let error = IndexedDbStorage::open(scratch.name()).await.err().unwrap();
    assert!(error.is_unavailable(), "{error:?}");
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn without_indexed_db_the_storage_is_unavailable() {
    for fault in [
        "undefined",
        "{ open() { throw new DOMException('no', 'SecurityError') } }",
    ] {
        let error =
            common::with_indexed_db(fault, async || IndexedDbStorage::open("none").await.err())
                .await;
        assert!(
            error.as_ref().is_some_and(Error::is_unavailable),
            "{error:?}"
        );
    }
}

#[wasm_bindgen_test]
async fn large_values_survive() {
    let scratch = Scratch::new("large");
    let storage = scratch.open().await;
    let value: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let mut batch = Batch::new();
    batch.put("large", value.clone());
    storage.commit(batch).await.unwrap();
    assert!(storage.get(b"large").await.unwrap() == Some(value));
    scratch.delete().await;
}

#[wasm_bindgen_test]
async fn speed_of_ten_thousand_records() {
    let scratch = Scratch::new("speed");
    let storage = scratch.open().await;
    let mut batch = Batch::new();
    for n in 0..10_000_u32 {
        batch.put(n.to_be_bytes(), [7; 64]);
    }
    let start = now();
    let issued = storage.commit(batch);
    let (called, _) = (now(), issued.await.unwrap());
    let applied = now();
    let found = storage.scan(Scan::all()).await.unwrap();
    let scanned = now();
    assert_eq!(found.len(), 10_000);
    let last = storage
        .scan(Scan::all().reverse().limit(100))
        .await
        .unwrap();
    assert_eq!(last.len(), 100);
    console_log!(
        "10,000 puts of 64 bytes: issued in {:.0} ms, applied after {:.0} ms; scan {:.0} ms; last 100 {:.0} ms",
        called - start,
        applied - start,
        scanned - applied,
        now() - scanned
    );
    let start = now();
    for n in 0..100_u32 {
        let mut batch = Batch::new();
        batch.put(n.to_be_bytes(), [8; 64]);
        storage.commit(batch).await.unwrap();
    }
    console_log!(
        "one batch after another: {:.2} ms each",
        (now() - start) / 100.0
    );
    scratch.delete().await;
}
