//! Laws about ranges, prefixes, limits and directions.

use std::ops::{Bound, RangeBounds};

use super::{
    super::{Batch, Scan, Storage},
    ask::{commit, keys, succeeds},
};

/// Keys in order, which cover the edge cases of bytes and prefixes.
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
    commit(store, batch, "keys in reverse order").await;
}

pub(super) async fn keys_are_ordered_as_bytes(store: &impl Storage) {
    fill(store).await;
    assert_eq!(keys(store, Scan::all()).await, ORDERED);
    let reversed: Vec<&[u8]> = ORDERED.iter().rev().copied().collect();
    assert_eq!(keys(store, Scan::all().reverse()).await, reversed);
}

pub(super) async fn scans_respect_their_bounds(store: &impl Storage) {
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

pub(super) async fn scans_respect_their_prefix(store: &impl Storage) {
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
        let records = succeeds(store.scan_prefix(prefix).await, "scan_prefix");
        let found: Vec<&[u8]> = records.iter().map(|(key, _)| key.as_slice()).collect();
        assert_eq!(found, expected, "scan_prefix {prefix:02x?}");
        expected.reverse();
        assert_eq!(
            keys(store, Scan::prefix(prefix).reverse()).await,
            expected,
            "prefix {prefix:02x?}, reverse"
        );
    }
}

pub(super) async fn scans_respect_limit_and_direction(store: &impl Storage) {
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
        "the greatest key of a prefix"
    );
}

fn matching(start: &Bound<Vec<u8>>, end: &Bound<Vec<u8>>) -> Vec<&'static [u8]> {
    let range = (start.clone(), end.clone());
    ORDERED
        .into_iter()
        .filter(|key| range.contains(&key.to_vec()))
        .collect()
}
