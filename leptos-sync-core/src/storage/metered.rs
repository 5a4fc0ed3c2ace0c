use std::sync::Arc;

use metrics::{counter, histogram};

use super::{Batch, Expected, Record, Scan, Storage, Write};
use crate::{clock::TimeSource, error::Error};

/// A [`Storage`] decorator that reports metrics through the `metrics` crate.
///
/// It passes all values to the recorder that the app has installed. The recorder aggregates them
/// into totals and quantiles. Without a recorder, an operation costs a few atomic reads and two
/// clock reads. Put the decorator above a cache to measure how long callers wait, or below one to
/// measure the storage; the name distinguishes the two.
///
/// | Metric | Kind | Labels | Meaning |
/// |---|---|---|---|
/// | `storage_operations_total` | counter | `store`, `operation` | operations started; a commit counts when it is issued |
/// | `storage_errors_total` | counter | `store`, `operation` | operations that ended in an error |
/// | `storage_read_bytes_total` | counter | `store`, `operation` | bytes of values read, and of the keys of scans |
/// | `storage_written_bytes_total` | counter | `store`, `operation` | bytes of keys and values in issued commits; for `commit_if`, in applied ones |
/// | `storage_hits_total` | counter | `store`, `operation` | keys with a value |
/// | `storage_misses_total` | counter | `store`, `operation` | keys without a value |
/// | `storage_seconds` | histogram | `store`, `operation` | time from the call to the answer, errors included |
///
/// `store` is the given name; `operation` is `get`, `get_many`, `scan`, `scan_prefix`, `commit` or
/// `commit_if`. Times come from the injected clock in whole milliseconds, which suits a disk or a
/// browser's database. If the clock is set back during an operation, its time is 0. An operation
/// that is dropped before its answer counts as an operation, but its time is not recorded.
///
/// # Example
///
/// ```
/// use leptos_sync_core::{clock::SystemTime, storage::{MemoryStorage, MeteredStorage}};
///
/// let store = MeteredStorage::new(MemoryStorage::new(), "memory", SystemTime);
/// # drop(store);
/// ```
#[derive(Clone)]
pub struct MeteredStorage<S> {
    store: S,
    meter: Meter,
}

#[derive(Clone)]
struct Meter {
    name: &'static str,
    time: Arc<dyn TimeSource>,
}

/// An operation in progress.
struct Running {
    meter: Meter,
    operation: &'static str,
    since_ms: u64,
}

impl<S> MeteredStorage<S> {
    /// Wraps `store`. Metrics have `name` as their `store` label, and times come from `time`.
    pub fn new(store: S, name: &'static str, time: impl TimeSource + 'static) -> Self {
        let time = Arc::new(time);
        Self {
            store,
            meter: Meter { name, time },
        }
    }

    /// Returns the underlying storage, whose operations are not counted.
    pub const fn store(&self) -> &S {
        &self.store
    }
}

impl Meter {
    fn begin(&self, operation: &'static str) -> Running {
        counter!("storage_operations_total", "store" => self.name, "operation" => operation)
            .increment(1);
        Running {
            meter: self.clone(),
            operation,
            since_ms: self.time.now_ms(),
        }
    }
}

impl Running {
    /// Records the result.
    fn end<T>(&self, answer: &Result<T, Error>) {
        let (store, operation) = (self.meter.name, self.operation);
        let ms = self.meter.time.now_ms().saturating_sub(self.since_ms);
        histogram!("storage_seconds", "store" => store, "operation" => operation)
            .record(ms as f64 / 1000.0);
        if answer.is_err() {
            counter!("storage_errors_total", "store" => store, "operation" => operation)
                .increment(1);
        }
    }

    fn read<'a>(&self, values: impl IntoIterator<Item = Option<&'a Vec<u8>>>) {
        let (mut bytes, mut hits, mut misses) = (0, 0, 0);
        for value in values {
            match value {
                Some(value) => (bytes, hits) = (bytes + value.len() as u64, hits + 1),
                None => misses += 1,
            }
        }
        let (store, operation) = (self.meter.name, self.operation);
        counter!("storage_hits_total", "store" => store, "operation" => operation).increment(hits);
        counter!("storage_misses_total", "store" => store, "operation" => operation)
            .increment(misses);
        self.read_bytes(bytes);
    }

    fn scanned(&self, answer: Result<Vec<Record>, Error>) -> Result<Vec<Record>, Error> {
        self.end(&answer);
        if let Ok(records) = &answer {
            let bytes = records.iter().map(|(key, value)| key.len() + value.len());
            self.read_bytes(bytes.sum::<usize>() as u64);
        }
        answer
    }

    fn read_bytes(&self, bytes: u64) {
        let (store, operation) = (self.meter.name, self.operation);
        counter!("storage_read_bytes_total", "store" => store, "operation" => operation)
            .increment(bytes);
    }

    /// Returns the size of the keys and values that a batch writes.
    fn bytes(batch: &Batch) -> u64 {
        let bytes = batch.writes().iter().map(|write| match write {
            Write::Put(key, value) => key.len() + value.len(),
            Write::Delete(key) => key.len(),
        });
        bytes.sum::<usize>() as u64
    }

    fn wrote(&self, bytes: u64) {
        let (store, operation) = (self.meter.name, self.operation);
        counter!("storage_written_bytes_total", "store" => store, "operation" => operation)
            .increment(bytes);
    }
}

impl<S: Storage> Storage for MeteredStorage<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let running = self.meter.begin("get");
        let answer = self.store.get(key).await;
        running.end(&answer);
        if let Ok(value) = &answer {
            running.read([value.as_ref()]);
        }
        answer
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let running = self.meter.begin("get_many");
        let answer = self.store.get_many(keys).await;
        running.end(&answer);
        if let Ok(values) = &answer {
            running.read(values.iter().map(Option::as_ref));
        }
        answer
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        let running = self.meter.begin("scan");
        running.scanned(self.store.scan(scan).await)
    }

    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        let running = self.meter.begin("scan_prefix");
        running.scanned(self.store.scan_prefix(prefix).await)
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        let running = self.meter.begin("commit");
        running.wrote(Running::bytes(&batch));
        let issued = self.store.commit(batch);
        async move {
            let answer = issued.await;
            running.end(&answer);
            answer
        }
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let running = self.meter.begin("commit_if");
        let bytes = Running::bytes(&batch);
        let issued = self.store.commit_if(expected, batch);
        async move {
            let answer = issued.await;
            running.end(&answer);
            // A batch that was not applied has written nothing.
            if matches!(answer, Ok(true)) {
                running.wrote(bytes);
            }
            answer
        }
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for MeteredStorage<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeteredStorage")
            .field("store", &self.store)
            .field("name", &self.meter.name)
            .finish_non_exhaustive()
    }
}
