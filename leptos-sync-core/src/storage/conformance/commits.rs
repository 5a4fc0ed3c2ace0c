//! Laws about the order, atomicity and size of batches.

use super::{
    super::{Batch, Scan, Storage},
    ask::{commit, got, putting, scanned, succeeds},
};

pub(super) async fn commits_take_effect_in_call_order(store: &impl Storage) {
    let mut issued = Vec::new();
    for number in 0..100_u8 {
        let mut batch = Batch::new();
        batch.put(*b"last", [number]).put([b'n', number], [number]);
        issued.push(store.commit(batch));
    }
    // No future was polled yet, and the last one is polled first.
    while let Some(commit) = issued.pop() {
        succeeds(commit.await, "one of 100 concurrent commits");
        assert_eq!(
            got(store, b"last").await,
            Some(vec![99]),
            "the last commit issued is applied last"
        );
    }
    assert_eq!(
        scanned(store, Scan::prefix(b"n")).await.len(),
        100,
        "no commit is lost"
    );
}

pub(super) async fn a_dropped_commit_takes_effect(store: &impl Storage) {
    drop(store.commit(putting(&[(b"dropped", b"1"), (b"both", b"1")])));
    commit(
        store,
        putting(&[(b"awaited", b"2"), (b"both", b"2")]),
        "a commit after a dropped one",
    )
    .await;
    assert_eq!(
        got(store, b"dropped").await.as_deref(),
        Some(&b"1"[..]),
        "a dropped commit is applied"
    );
    assert_eq!(
        got(store, b"both").await.as_deref(),
        Some(&b"2"[..]),
        "a dropped commit keeps its place"
    );
}

pub(super) async fn a_scan_sees_whole_batches(store: &impl Storage) {
    let mut issued = Vec::new();
    for number in 0..50_u8 {
        let mut batch = Batch::new();
        batch
            .delete(*b"left")
            .put(*b"right", [number])
            .put(*b"left", [number]);
        issued.push(store.commit(batch));
        let seen = scanned(store, Scan::all()).await;
        let values: Vec<&Vec<u8>> = seen.iter().map(|(_, value)| value).collect();
        assert!(
            matches!(values.as_slice(), [] | [_, _]) && values.first() == values.last(),
            "a scan saw a partial batch: {seen:?}"
        );
        let pair = succeeds(
            store.get_many(&[b"left", b"right"]).await,
            "get_many between commits",
        );
        assert_eq!(pair.first(), pair.last(), "get_many saw a partial batch");
    }
    for commit in issued {
        succeeds(commit.await, "one of 50 commits");
    }
}

pub(super) async fn a_batch_may_be_large(store: &impl Storage) {
    let mut batch = Batch::new();
    for number in 0..10_000_u32 {
        batch.put(number.to_be_bytes(), number.to_le_bytes());
    }
    commit(store, batch, "10,000 writes").await;
    let seen = scanned(store, Scan::all()).await;
    assert_eq!(seen.len(), 10_000);
    assert!(
        (0_u32..)
            .zip(&seen)
            .all(|(n, (key, value))| *key == n.to_be_bytes() && *value == n.to_le_bytes())
    );
}
