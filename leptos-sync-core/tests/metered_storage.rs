//! A metered storage behaves like the storage below, and records metrics of all operations.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]

mod common;

use std::collections::BTreeMap;

use common::now;
use leptos_sync_core::{
    clock::ManualTime,
    storage::{
        Batch, CacheLimits, CachedStorage, Fault, FaultyStorage, MemoryStorage, MeteredStorage,
        Scan, Storage, conformance,
    },
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

fn metered<S: Storage>(store: S) -> MeteredStorage<S> {
    MeteredStorage::new(store, "test", ManualTime::at(0))
}

fn cached<S: Storage>(store: S) -> CachedStorage<S> {
    let limits = CacheLimits {
        bytes: 4096,
        ttl_ms: 1000,
    };
    CachedStorage::new(store, limits, ManualTime::at(0))
}

/// Returns the metrics that `work` recorded, by metric and operation: the total of a counter or the
/// sum of a histogram.
fn recorded(work: impl FnOnce()) -> BTreeMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    metrics::with_local_recorder(&recorder, work);
    let all = recorder.snapshotter().snapshot().into_vec();
    let figures = all.into_iter().map(|(key, _, _, value)| {
        let labels: BTreeMap<_, _> = key.key().labels().map(|l| (l.key(), l.value())).collect();
        assert_eq!(labels["store"], "test");
        let value = match value {
            DebugValue::Counter(total) => total as f64,
            DebugValue::Histogram(values) => values.iter().map(|value| value.into_inner()).sum(),
            DebugValue::Gauge(_) => panic!("there are no gauges"),
        };
        (
            format!("{} {}", key.key().name(), labels["operation"]),
            value,
        )
    });
    figures.collect()
}

#[test]
fn it_obeys_the_laws_alone_and_composed() {
    let memory = MemoryStorage::new;
    now(conformance::run(async || metered(memory())));
    now(conformance::run(async || metered(cached(memory()))));
    now(conformance::run(async || cached(metered(memory()))));
    now(conformance::run(async || {
        metered(FaultyStorage::new(memory()))
    }));
}

#[cfg(feature = "deflate")]
#[test]
fn all_decorators_compose_in_any_order() {
    use leptos_sync_core::storage::CompressedStorage as Compressed;
    let memory = MemoryStorage::new;
    now(conformance::run(async || {
        metered(cached(Compressed::new(memory())))
    }));
    now(conformance::run(async || {
        Compressed::new(cached(metered(memory())))
    }));
    now(conformance::run(async || {
        cached(Compressed::new(metered(memory())))
    }));
    now(conformance::run(async || {
        metered(Compressed::new(cached(memory())))
    }));
}

#[test]
fn operations_are_recorded() {
    let time = ManualTime::at(1000);
    let faulty = FaultyStorage::new(MemoryStorage::new());
    let store = MeteredStorage::new(faulty.clone(), "test", time.clone());
    let figures = recorded(|| {
        let mut batch = Batch::new();
        batch.put(*b"key", *b"milk").delete(*b"gone");
        let commit = store.commit(batch);
        time.advance(250);
        now(commit).unwrap();
        now(store.get(b"key")).unwrap();
        now(store.get(b"none")).unwrap();
        now(store.get_many(&[b"key", b"none", b"key"])).unwrap();
        now(store.scan(Scan::all())).unwrap();
        now(store.scan_prefix(b"k")).unwrap();
        faulty.fail_operation(faulty.operations(), Fault::Refused);
        assert!(now(store.get(b"key")).is_err());
    });
    for (metric, expected) in [
        ("storage_operations_total commit", 1.0),
        ("storage_written_bytes_total commit", 11.0),
        ("storage_seconds commit", 0.25),
        ("storage_operations_total get", 3.0),
        ("storage_errors_total get", 1.0),
        ("storage_hits_total get", 1.0),
        ("storage_misses_total get", 1.0),
        ("storage_read_bytes_total get", 4.0),
        ("storage_hits_total get_many", 2.0),
        ("storage_misses_total get_many", 1.0),
        ("storage_read_bytes_total get_many", 8.0),
        ("storage_read_bytes_total scan", 7.0),
        ("storage_read_bytes_total scan_prefix", 7.0),
        ("storage_seconds get", 0.0),
    ] {
        assert_eq!(figures.get(metric), Some(&expected), "{metric}");
    }
}
