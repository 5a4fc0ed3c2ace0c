//! The laws of `Storage` hold for the implementations of this crate.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use leptos_sync_core::storage::{Batch, MemoryStorage, Scan, Storage, conformance};

/// Runs a future to completion. The future must not wait for external events.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        std::thread::yield_now();
    }
}

#[test]
fn memory_storage_obeys_the_laws() {
    block_on(conformance::run(async || MemoryStorage::new()));
}

#[test]
fn clones_of_a_memory_storage_share_one_store() {
    let store = MemoryStorage::new();
    let other = store.clone();
    let mut batch = Batch::new();
    batch.put(*b"key", *b"value");
    drop(store.commit(batch));
    drop(store);
    assert_eq!(
        block_on(other.scan(Scan::all())).unwrap(),
        [(b"key".to_vec(), b"value".to_vec())]
    );
}

#[test]
fn threads_see_whole_batches() {
    let store = MemoryStorage::new();
    std::thread::scope(|scope| {
        for writer in 0..2_u8 {
            let store = store.clone();
            scope.spawn(move || {
                for _ in 0..500 {
                    let mut batch = Batch::new();
                    batch.put(*b"left", [writer]).put(*b"right", [writer]);
                    block_on(store.commit(batch)).unwrap();
                }
            });
        }
        for _ in 0..500 {
            let pair = block_on(store.get_many(&[b"left", b"right"])).unwrap();
            assert_eq!(pair[0], pair[1]);
        }
    });
    assert_eq!(store.len(), 2);
}
