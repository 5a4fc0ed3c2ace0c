//! Reads and writes that must succeed.

use super::super::{Batch, Record, Scan, Storage};
use crate::error::Error;

pub(super) fn putting(writes: &[(&[u8], &[u8])]) -> Batch {
    let mut batch = Batch::new();
    for (key, value) in writes {
        batch.put(*key, *value);
    }
    batch
}

pub(super) fn removing(keys: &[&[u8]]) -> Batch {
    let mut batch = Batch::new();
    for key in keys {
        batch.delete(*key);
    }
    batch
}

pub(super) fn records(pairs: &[(&[u8], &[u8])]) -> Vec<Record> {
    pairs
        .iter()
        .map(|(key, value)| (key.to_vec(), value.to_vec()))
        .collect()
}

pub(super) async fn commit(store: &impl Storage, batch: Batch, what: &str) {
    succeeds(store.commit(batch).await, what);
}

pub(super) async fn got(store: &impl Storage, key: &[u8]) -> Option<Vec<u8>> {
    succeeds(store.get(key).await, "get")
}

pub(super) async fn scanned(store: &impl Storage, scan: Scan) -> Vec<Record> {
    succeeds(store.scan(scan).await, "scan")
}

pub(super) async fn keys(store: &impl Storage, scan: Scan) -> Vec<Vec<u8>> {
    scanned(store, scan)
        .await
        .into_iter()
        .map(|(key, _)| key)
        .collect()
}

#[track_caller]
pub(super) fn succeeds<T>(result: Result<T, Error>, what: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{what}: {error}"),
    }
}
