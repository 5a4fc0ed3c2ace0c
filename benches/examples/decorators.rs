//! Measures how much lazy documents, decorators of a storage and the internal pools save. Each row
//! does the same work without and with one of them, in one run.
//!
//! ```sh
//! cargo run --release -p leptos-sync-benches --example decorators
//! ```

use std::{
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use leptos_sync_benches::{
    entries,
    ours::{self, Map},
};
use leptos_sync_core::{
    Doc, Error,
    clock::SystemTime,
    engine::DocStore,
    internal::{BufferPool, Pool},
    lazy::{Evictable, LazyPool},
    storage::{Batch, CacheLimits, CachedStorage, CompressedStorage, MemoryStorage, Scan, Storage},
};

/// The number of times that each work is repeated; the fastest run counts.
const RUNS: usize = 7;

fn main() -> Result<(), Error> {
    pools();
    compression()?;
    cache()?;
    lazy_documents()
}

/// Measures allocating a value or a buffer, writing to it, and freeing it.
fn pools() {
    let values = Pool::<Vec<u8>>::new(4);
    row(
        "Pool: a vector of 1 KiB, filled",
        fastest(|| (0..1_000).for_each(|_| fill(&mut Vec::new(), 1024))),
        fastest(|| (0..1_000).for_each(|_| fill(&mut values.get(), 1024))),
    );
    let buffers = BufferPool::new();
    for (name, bytes) in [
        ("BufferPool: 100 bytes", 100),
        ("BufferPool: 64 KiB", 64 * 1024),
        ("BufferPool: 1 MiB", 1024 * 1024),
    ] {
        row(
            name,
            fastest(|| (0..100).for_each(|_| fill(&mut Vec::with_capacity(bytes), bytes))),
            fastest(|| (0..100).for_each(|_| fill(&mut buffers.get(bytes), bytes))),
        );
    }
}

fn fill(out: &mut Vec<u8>, bytes: usize) {
    out.resize(bytes, 7);
    black_box(out);
}

/// Measures the bytes that a thousand records of text take in the storage.
fn compression() -> Result<(), Error> {
    let plain = MemoryStorage::new();
    let below = MemoryStorage::new();
    let compressed = CompressedStorage::new(below.clone());
    now(plain.commit(records()))?;
    now(compressed.commit(records()))?;
    let size = |store: &MemoryStorage| -> Result<f64, Error> {
        let records = now(store.scan(Scan::all()))?;
        Ok(records
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum::<usize>() as f64)
    };
    row(
        "CompressedStorage: bytes stored",
        size(&plain)?,
        size(&below)?,
    );
    Ok(())
}

/// Measures reading compressed values repeatedly.
fn cache() -> Result<(), Error> {
    let compressed = CompressedStorage::new(MemoryStorage::new());
    now(compressed.commit(records()))?;
    let limits = CacheLimits {
        bytes: 64 * 1024 * 1024,
        ttl_ms: 60_000,
    };
    let cached = CachedStorage::new(compressed.clone(), limits, SystemTime);
    row(
        "CachedStorage: a compressed value, read again",
        fastest(|| read_all(&compressed)),
        fastest(|| read_all(&cached)),
    );
    let memory = MemoryStorage::new();
    now(memory.commit(records()))?;
    let cached = CachedStorage::new(memory.clone(), limits, SystemTime);
    row(
        "CachedStorage: a value that is in memory anyway",
        fastest(|| read_all(&memory)),
        fastest(|| read_all(&cached)),
    );
    Ok(())
}

fn read_all(store: &impl Storage) {
    for n in 0..1_000_u32 {
        drop(black_box(now(store.get(&n.to_be_bytes()))));
    }
}

fn records() -> Batch {
    let mut batch = Batch::new();
    for n in 0..1_000_u32 {
        let text = entries(60)
            .into_iter()
            .map(|(key, value)| format!("{key}: {value} ({n})\n"));
        batch.put(
            n.to_be_bytes().to_vec(),
            text.collect::<String>().into_bytes(),
        );
    }
    batch
}

struct Open(Doc<Map>);

impl Evictable for Open {
    fn is_saved(&self) -> bool {
        true
    }
}

/// Measures opening a document of 1,000 entries that was opened before.
fn lazy_documents() -> Result<(), Error> {
    let storage = MemoryStorage::new();
    let store = DocStore::new(storage.clone(), "document")?;
    let mut doc = ours::doc(1_000);
    now(storage.commit(store.compact(&mut doc)?.batch))?;
    let load = async |name: &String| {
        let doc = DocStore::new(storage.clone(), name)?
            .load(ours::clock(2))
            .await?
            .doc;
        Ok::<_, Error>(Open(doc))
    };
    let pool = LazyPool::new(load);
    let name = "document".to_owned();
    let entries = |open: &Open| open.0.state().len();
    row(
        "LazyPool: a document that was opened before",
        fastest(|| assert!(now(load(&name)).is_ok_and(|open| entries(&open) == 1_000))),
        fastest(|| assert!(now(pool.open(&name)).is_ok_and(|open| entries(&open) == 1_000))),
    );
    Ok(())
}

/// Returns the nanoseconds of the fastest run.
fn fastest(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_nanos() as f64
    };
    (0..RUNS).map(time).fold(f64::INFINITY, f64::min)
}

#[expect(clippy::print_stdout, reason = "what this program is for")]
fn row(name: &str, without: f64, with: f64) {
    println!(
        "{name:<50} without {without:>13.0}, with {with:>13.0}: {:>7.2} ×",
        without / with
    );
}

/// Returns the output of a future that never waits, such as one of a memory storage.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
        {
            return output;
        }
    }
}
