//! A collection with one index in memory. Measures the cost of an operation in addition to that of
//! the storage, at several sizes. A query returns a hundred records.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use leptos_sync_benches::{entries, ours};
use leptos_sync_core::{
    Collection, Crdt, LwwRegister, Tx,
    index::{Index, Query, Schema},
    storage::MemoryStorage,
};

use crate::group::Harness;

#[derive(Crdt, Clone, Default)]
struct Text {
    text: LwwRegister<String>,
}

type Texts = Collection<MemoryStorage, String, Text>;

/// The number of records in one transaction, whose size is limited.
const BATCH: usize = 10_000;

pub(crate) fn run(harness: &mut Harness) {
    harness.group("collections", |group| {
        group.bench_at(
            &[1, 1_000, BATCH],
            "insert_batch",
            |size| {
                let entries = entries(size);
                move || (texts(), entries.clone())
            },
            |(texts, entries)| now(texts.insert_batch(std::mem::take(entries), write)).is_ok(),
        );
        group.bench("insert", lent, |texts| {
            let key = "key-new".to_owned();
            now(texts.insert(&key, |text| text.text().set(key.clone()))).is_ok()
        });
        group.bench("get", lent, |texts| {
            now(texts.get(&entries(1).swap_remove(0).0)).is_ok()
        });
        group.bench("query_by_index", lent, |texts| {
            now(texts.query(by_text().all().limit(100))).is_ok()
        });
        group.bench("query_by_key", lent, |texts| {
            now(texts.query(Query::all().limit(100))).is_ok()
        });
    });
}

fn by_text() -> Index<Text, String> {
    Index::new("text", |text: &Text| text.text.get().clone())
}

fn texts() -> Texts {
    let schema = Schema::new(1).index(&by_text());
    match now(Texts::open(
        MemoryStorage::new(),
        "texts",
        schema,
        ours::clock(1),
    )) {
        Ok(texts) => texts,
        Err(error) => unreachable!("memory does not fail: {error}"),
    }
}

#[expect(clippy::ptr_arg, reason = "it is called with what the batch is of")]
fn write(text: &mut Tx<'_, Text>, value: &String) {
    text.text().set(value.clone());
}

/// Returns a function that returns the same collection of this size for each sample.
fn lent(size: usize) -> impl FnMut() -> Arc<Texts> {
    let texts = texts();
    let mut rest = entries(size);
    while !rest.is_empty() {
        let next = rest.split_off(rest.len().saturating_sub(BATCH));
        let done = now(texts.insert_batch(next, write));
        assert!(done.is_ok(), "{done:?}");
    }
    let texts = Arc::new(texts);
    move || Arc::clone(&texts)
}

/// Returns the output of a future that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("memory does not wait"),
    }
}
