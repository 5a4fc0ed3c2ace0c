//! Measures inserting records into the storage: all in one batch, or each in its own transaction,
//! one after the other. The database is already open.

use leptos_sync_benches::entries;
use leptos_sync_web::{
    core::storage::{Batch, Storage},
    storage::IndexedDbStorage,
};

use super::{Asked, Side, Work};
use crate::scratch::{Failure, now};

pub(super) fn work(size: usize) -> Work {
    Work {
        name: "insert records in one batch",
        size,
        sides: vec![
            Side {
                name: "ours",
                sample: |asked| Box::pin(one_batch(asked)),
                bar: None,
            },
            Side {
                name: "a transaction a record",
                sample: |asked| Box::pin(one_by_one(asked)),
                bar: Some(4.0),
            },
        ],
    }
}

async fn one_batch(asked: Asked) -> Result<f64, Failure> {
    let storage = IndexedDbStorage::open(&asked.name).await?;
    let entries = entries(asked.size);
    let start = now();
    let mut batch = Batch::new();
    for (key, value) in entries {
        batch.put(key, value);
    }
    storage.commit(batch).await?;
    let taken = now() - start;
    checked(&storage, asked.size, taken).await
}

async fn one_by_one(asked: Asked) -> Result<f64, Failure> {
    let storage = IndexedDbStorage::open(&asked.name).await?;
    let entries = entries(asked.size);
    let start = now();
    for (key, value) in entries {
        let mut batch = Batch::new();
        batch.put(key, value);
        storage.commit(batch).await?;
    }
    let taken = now() - start;
    checked(&storage, asked.size, taken).await
}

async fn checked(storage: &IndexedDbStorage, size: usize, taken: f64) -> Result<f64, Failure> {
    match storage.scan_prefix(b"key-").await?.len() == size {
        true => Ok(taken),
        false => Err("the storage has not what was put into it".into()),
    }
}
