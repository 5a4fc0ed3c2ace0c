//! Laws about conditional batches.

use super::{
    super::{Batch, Expected, Scan, Storage},
    ask::{commit, got, putting, records, scanned, succeeds},
};

fn expected(key: &[u8], value: Option<&[u8]>) -> Expected {
    Expected {
        key: key.to_vec(),
        value: value.map(<[u8]>::to_vec),
    }
}

async fn applied(store: &impl Storage, expected: Expected, batch: Batch) -> bool {
    let what = format!("a commit that expects {expected:?}");
    succeeds(store.commit_if(expected, batch).await, &what)
}

pub(super) async fn a_batch_is_applied_only_if_its_condition_holds(store: &impl Storage) {
    let first = putting(&[(b"count", b"1"), (b"a", b"1")]);
    assert!(
        applied(store, expected(b"count", None), first).await,
        "a missing key matches an expectation of none"
    );
    for wrong in [None, Some(&b"2"[..]), Some(b""), Some(b"11")] {
        let mut batch = putting(&[(b"count", b"2"), (b"b", b"2")]);
        batch.delete(*b"a");
        assert!(
            !applied(store, expected(b"count", wrong), batch).await,
            "the expectation {wrong:?} does not match the value 1"
        );
    }
    assert!(
        !applied(
            store,
            expected(b"missing", Some(b"")),
            putting(&[(b"b", b"2")])
        )
        .await,
        "an empty value differs from none"
    );
    assert_eq!(
        scanned(store, Scan::all()).await,
        records(&[(b"a", b"1"), (b"count", b"1")]),
        "a batch that does not apply changes nothing"
    );
    let second = putting(&[(b"count", b"2"), (b"b", b"2")]);
    assert!(applied(store, expected(b"count", Some(b"1")), second).await);
    assert!(
        applied(store, expected(b"b", Some(b"2")), Batch::new()).await,
        "an empty batch still checks its condition"
    );
    assert_eq!(
        scanned(store, Scan::all()).await,
        records(&[(b"a", b"1"), (b"b", b"2"), (b"count", b"2")])
    );
    // Use a value that a decorator might store in several forms.
    let mut seeming = b"LSYN\x02\x03".to_vec();
    commit(store, putting(&[(b"count", &seeming)]), "a put").await;
    assert!(
        applied(
            store,
            expected(b"count", Some(&seeming)),
            putting(&[(b"c", b"3")])
        )
        .await,
        "a value that looks like an envelope is compared as it is"
    );
    seeming.push(1);
    assert!(!applied(store, expected(b"count", Some(&seeming)), Batch::new()).await);
}

pub(super) async fn of_commits_with_one_expectation_the_first_is_applied(store: &impl Storage) {
    for round in 0..20_u8 {
        let before = got(store, b"count").await;
        let mut issued = Vec::new();
        for writer in 0..4_u8 {
            let mut batch = Batch::new();
            batch
                .put(*b"count", [round, writer])
                .put([b'w', round], [writer]);
            issued.push(store.commit_if(expected(b"count", before.as_deref()), batch));
        }
        let mut applied = Vec::new();
        for commit in issued {
            applied.push(succeeds(commit.await, "one of four"));
        }
        assert_eq!(
            applied,
            [true, false, false, false],
            "only the first commit issued is applied"
        );
        assert_eq!(got(store, b"count").await, Some(vec![round, 0]));
        assert_eq!(got(store, &[b'w', round]).await, Some(vec![0]));
    }
}

pub(super) async fn a_dropped_conditional_commit_takes_effect(store: &impl Storage) {
    drop(store.commit_if(expected(b"key", None), putting(&[(b"key", b"1")])));
    drop(store.commit_if(expected(b"key", Some(b"1")), putting(&[(b"key", b"2")])));
    commit(
        store,
        putting(&[(b"after", b"1")]),
        "a commit after two dropped ones",
    )
    .await;
    assert_eq!(
        got(store, b"key").await.as_deref(),
        Some(&b"2"[..]),
        "each commit sees the one before it"
    );
}
