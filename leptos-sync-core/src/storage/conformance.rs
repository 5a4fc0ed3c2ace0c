//! The laws of [`Storage`] as a suite that runs on any implementation.
//!
//! Available with the feature `testing`. It needs no threads, clock or runtime, only somebody who polls, so that it
//! runs in a browser too.
//!
//! ```
//! use std::{pin::pin, task::{Context, Poll, Waker}};
//! use leptos_sync_core::{MemoryStorage, conformance};
//!
//! let suite = pin!(conformance::run(async || MemoryStorage::new()));
//! // Memory never waits: one poll is all.
//! assert!(suite.poll(&mut Context::from_waker(Waker::noop())).is_ready());
//! ```

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
};

use super::{Batch, Record, Scan, Storage};
use crate::error::Error;

/// Runs every law, each on a store of its own that `fresh` makes: empty, and not shared with the others.
///
/// About 400 commits and 2,000 reads, of at most 2 MiB each.
///
/// # Panics
///
/// When a law does not hold; the message says which.
pub async fn run<S: Storage>(fresh: impl AsyncFn() -> S) {
    an_empty_store_has_nothing(&fresh().await).await;
    what_was_put_is_read(&fresh().await).await;
    many_are_read_in_the_order_asked_for(&fresh().await).await;
    writes_of_a_batch_take_effect_in_order(&fresh().await).await;
    keys_and_values_may_be_empty_or_large(&fresh().await).await;
    keys_are_ordered_as_bytes(&fresh().await).await;
    scans_respect_their_bounds(&fresh().await).await;
    scans_respect_their_prefix(&fresh().await).await;
    scans_respect_limit_and_direction(&fresh().await).await;
    commits_take_effect_in_the_order_of_their_calls(&fresh().await).await;
    a_dropped_commit_takes_effect(&fresh().await).await;
    a_scan_sees_whole_batches(&fresh().await).await;
    a_batch_may_be_large(&fresh().await).await;
    for seed in 1..=4 {
        random_histories_agree_with_a_model(&fresh().await, seed).await;
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
    commit(store, Batch::new(), "an empty batch is committed").await;
    commit(
        store,
        removing(&[b"key"]),
        "removing a missing key is no error",
    )
    .await;
    assert!(scanned(store, Scan::all()).await.is_empty());
}

async fn what_was_put_is_read(store: &impl Storage) {
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
        "a put replaces"
    );

    commit(store, removing(&[b"a"]), "a removal").await;
    assert_eq!(got(store, b"a").await, None, "what was removed is gone");
    assert_eq!(
        got(store, b"b").await.as_deref(),
        Some(&b"2"[..]),
        "and nothing else"
    );
}

async fn many_are_read_in_the_order_asked_for(store: &impl Storage) {
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
        "a value a key, in their order, also for missing and repeated keys"
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
        "a value of 1 MiB comes back"
    );
    let first = scanned(store, Scan::all().limit(1)).await;
    assert_eq!(
        first,
        records(&[(b"", b"empty key")]),
        "the empty key is the least"
    );
    commit(store, removing(&[b""]), "removing the empty key").await;
    assert_eq!(got(store, b"").await, None);
}

/// Keys in their order, with the edges of bytes and prefixes.
const ORDERED: [&[u8]; 12] = [
    b"\x00",
    b"\x00\x00",
    b"\x00\xff",
    b"\x01",
    b"a",
    b"a\x00",
    b"a\xff",
    b"a\xff\xff",
    b"b",
    b"\x80",
    b"\xff",
    b"\xff\xff",
];

async fn fill(store: &impl Storage) {
    let mut batch = Batch::new();
    for key in ORDERED.iter().rev() {
        batch.put(*key, *b"");
    }
    commit(store, batch, "keys in reverse").await;
}

async fn keys_are_ordered_as_bytes(store: &impl Storage) {
    fill(store).await;
    assert_eq!(keys(store, Scan::all()).await, ORDERED);
    let reversed: Vec<&[u8]> = ORDERED.iter().rev().copied().collect();
    assert_eq!(keys(store, Scan::all().reverse()).await, reversed);
}

async fn scans_respect_their_bounds(store: &impl Storage) {
    fill(store).await;
    let points = ORDERED
        .into_iter()
        .chain([&b""[..], b"a\x01", b"z", b"\xff\xff\xff"]);
    let bounds: Vec<Bound<Vec<u8>>> = points
        .flat_map(|point| {
            [
                Bound::Included(point.to_vec()),
                Bound::Excluded(point.to_vec()),
            ]
        })
        .chain([Bound::Unbounded])
        .collect();
    for start in &bounds {
        for end in &bounds {
            let (start, end) = (start.clone(), end.clone());
            let expected = matching(&start, &end);
            let scan = Scan {
                start,
                end,
                ..Scan::all()
            };
            assert_eq!(keys(store, scan.clone()).await, expected, "{scan:?}");
        }
    }
}

async fn scans_respect_their_prefix(store: &impl Storage) {
    fill(store).await;
    let prefixes = ORDERED
        .into_iter()
        .chain([&b""[..], b"c", b"a\xff\xff\xff", b"\xff\xff\xff"]);
    for prefix in prefixes {
        let mut expected: Vec<&[u8]> = ORDERED
            .into_iter()
            .filter(|key| key.starts_with(prefix))
            .collect();
        assert_eq!(
            keys(store, Scan::prefix(prefix)).await,
            expected,
            "prefix {prefix:02x?}"
        );
        expected.reverse();
        assert_eq!(
            keys(store, Scan::prefix(prefix).reverse()).await,
            expected,
            "prefix {prefix:02x?}, reverse"
        );
    }
}

async fn scans_respect_limit_and_direction(store: &impl Storage) {
    fill(store).await;
    for limit in [0, 1, 2, 11, 12, 13, usize::MAX] {
        let forward: Vec<&[u8]> = ORDERED.into_iter().take(limit).collect();
        assert_eq!(
            keys(store, Scan::all().limit(limit)).await,
            forward,
            "limit {limit}"
        );
        let reverse: Vec<&[u8]> = ORDERED.into_iter().rev().take(limit).collect();
        assert_eq!(
            keys(store, Scan::all().limit(limit).reverse()).await,
            reverse,
            "limit {limit}, reverse"
        );
    }
    let last_under_a = Scan::prefix(b"a").reverse().limit(1);
    assert_eq!(
        keys(store, last_under_a).await,
        [b"a\xff\xff"],
        "the greatest of a prefix"
    );
}

async fn commits_take_effect_in_the_order_of_their_calls(store: &impl Storage) {
    let mut issued = Vec::new();
    for number in 0..100_u8 {
        let mut batch = Batch::new();
        batch.put(*b"last", [number]).put([b'n', number], [number]);
        issued.push(store.commit(batch));
    }
    // Nobody has polled yet, and the last is the first to be.
    while let Some(commit) = issued.pop() {
        succeeds(commit.await, "one of 100 commits at once");
        assert_eq!(
            got(store, b"last").await,
            Some(vec![99]),
            "the last one issued is the last one applied"
        );
    }
    assert_eq!(
        scanned(store, Scan::prefix(b"n")).await.len(),
        100,
        "no commit is lost"
    );
}

async fn a_dropped_commit_takes_effect(store: &impl Storage) {
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
        "dropping a commit does not undo it"
    );
    assert_eq!(
        got(store, b"both").await.as_deref(),
        Some(&b"2"[..]),
        "and it kept its place"
    );
}

async fn a_scan_sees_whole_batches(store: &impl Storage) {
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
            "half a batch: {seen:?}"
        );
        let pair = succeeds(
            store.get_many(&[b"left", b"right"]).await,
            "get_many between commits",
        );
        assert_eq!(pair.first(), pair.last(), "half a batch");
    }
    for commit in issued {
        succeeds(commit.await, "one of 50 commits");
    }
}

async fn a_batch_may_be_large(store: &impl Storage) {
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

async fn random_histories_agree_with_a_model(store: &impl Storage, seed: u64) {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut model = BTreeMap::new();
    for step in 0..50 {
        let mut issued = Vec::new();
        for _ in 0..random.below(4) {
            let mut batch = Batch::new();
            for _ in 0..random.below(6) {
                let key = random.key();
                if random.below(3) == 0 {
                    model.remove(&key);
                    batch.delete(key);
                } else {
                    let value = random.key();
                    model.insert(key.clone(), value.clone());
                    batch.put(key, value);
                }
            }
            issued.push(store.commit(batch));
        }
        for commit in issued {
            succeeds(commit.await, "a random batch");
        }
        let place = format!("seed {seed}, step {step}");
        for _ in 0..4 {
            let scan = random.scan();
            assert_eq!(
                scanned(store, scan.clone()).await,
                modelled(&model, &scan),
                "{place}: {scan:?}"
            );
        }
        let keys = [random.key(), random.key(), random.key()];
        let asked: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let expected: Vec<Option<Vec<u8>>> =
            keys.iter().map(|key| model.get(key).cloned()).collect();
        assert_eq!(
            succeeds(store.get_many(&asked).await, &place),
            expected,
            "{place}: {keys:02x?}"
        );
    }
}

/// What `scan` reads of a map, found without the map's own ranges.
fn modelled(model: &BTreeMap<Vec<u8>, Vec<u8>>, scan: &Scan) -> Vec<Record> {
    let range = (scan.start.clone(), scan.end.clone());
    let mut found: Vec<Record> = model
        .iter()
        .filter(|(key, _)| range.contains(*key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if scan.reverse {
        found.reverse();
    }
    found.truncate(scan.limit.unwrap_or(usize::MAX));
    found
}

fn matching(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> Vec<&'static [u8]> {
    let range = (start.clone(), end.clone());
    ORDERED
        .into_iter()
        .filter(|key| range.contains(&key.to_vec()))
        .collect()
}

/// A xorshift generator (Marsaglia, 2003): the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }

    /// Up to three of four bytes, so that keys meet.
    fn key(&mut self) -> Vec<u8> {
        let len = self.below(4);
        (0..len)
            .map(|_| *b"\x00a\x80\xff".get(self.below(4) as usize).unwrap_or(&0))
            .collect()
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.below(3) {
            0 => Bound::Unbounded,
            1 => Bound::Included(self.key()),
            _ => Bound::Excluded(self.key()),
        }
    }

    fn scan(&mut self) -> Scan {
        Scan {
            start: self.bound(),
            end: self.bound(),
            limit: (self.below(2) == 0).then(|| self.below(8) as usize),
            reverse: self.below(2) == 0,
        }
    }
}

fn putting(writes: &[(&[u8], &[u8])]) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in writes {
        batch.put(*key, *value);
    }
    batch
}

fn removing(keys: &[&[u8]]) -> Batch {
    let mut batch = Batch::new();
    for key in keys {
        batch.delete(*key);
    }
    batch
}

fn records(pairs: &[(&[u8], &[u8])]) -> Vec<Record> {
    pairs
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

async fn commit(store: &impl Storage, batch: Batch, what: &str) {
    succeeds(store.commit(batch).await, what);
}

async fn got(store: &impl Storage, key: &[u8]) -> Option<Vec<u8>> {
    succeeds(store.get(key).await, "get")
}

async fn scanned(store: &impl Storage, scan: Scan) -> Vec<Record> {
    succeeds(store.scan(scan).await, "scan")
}

async fn keys(store: &impl Storage, scan: Scan) -> Vec<Vec<u8>> {
    scanned(store, scan)
        .await
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

#[track_caller]
fn succeeds<T>(result: Result<T, Error>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}
