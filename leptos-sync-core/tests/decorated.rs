//! Storages around storages.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use std::{
    collections::BTreeMap,
    pin::pin,
    task::{Context, Poll, Waker},
};

use common::{bytes, clock};
use leptos_sync_core::{
    Batch, DocStore, Fault, FaultyStorage, LwwMap, MemoryStorage, Saver, Scan, Storage, StoreWrite,
    conformance,
};
use proptest::{collection::vec, prelude::*};

type Lines = LwwMap<u32, String>;

/// What a future gives that never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("memory never waits"),
    }
}

fn putting(key: &[u8], value: &[u8]) -> Batch {
    let mut batch = Batch::new();
    batch.put(key, value);
    batch
}

#[test]
fn a_storage_that_fails_when_told_to_keeps_the_laws_otherwise() {
    now(conformance::run(async || {
        FaultyStorage::new(MemoryStorage::new())
    }));
}

#[test]
fn a_failure_is_of_its_kind_and_changes_nothing() {
    let store = FaultyStorage::new(MemoryStorage::new());
    store.fail(1, Fault::Full);
    store.fail(2, Fault::Refused);
    store.fail(4, Fault::Gone);
    now(store.commit(putting(b"a", b"1"))).unwrap();
    assert!(
        now(store.commit(putting(b"b", b"2")))
            .unwrap_err()
            .is_quota()
    );
    assert!(now(store.get(b"a")).unwrap_err().is_storage());
    assert_eq!(now(store.get(b"b")).unwrap(), None);
    for _ in 0..3 {
        assert!(now(store.scan(Scan::all())).unwrap_err().is_storage());
    }
    store.repair();
    assert_eq!(now(store.scan(Scan::all())).unwrap().len(), 1);
    assert_eq!(store.operations(), 8);
}

/// Text that compresses about four times.
fn prose(words: usize) -> Vec<u8> {
    let word = |n: usize| format!("{} cartons of milk, ", n * n % 97);
    (0..words).map(word).collect::<String>().into_bytes()
}

#[derive(Clone, Debug)]
enum Step {
    /// Puts at some keys, and removes others, in one batch.
    Commit(Vec<(u8, Option<Vec<u8>>)>),
    Get(u8),
    Scan,
}

fn step() -> impl Strategy<Value = Step> {
    // Text that compresses, bytes that do not, and what looks like one of ours.
    let value = prop_oneof![
        (0_usize..300).prop_map(prose),
        vec(any::<u8>(), 0..2_000),
        vec(any::<u8>(), 0..40).prop_map(|rest| [&b"LSYN\x01\x03"[..], &rest].concat()),
    ];
    let write = (0_u8..6, proptest::option::weighted(0.8, value));
    prop_oneof![
        3 => vec(write, 0..4).prop_map(Step::Commit),
        2 => (0_u8..6).prop_map(Step::Get),
        1 => Just(Step::Scan),
    ]
}

/// Whatever is asked, and whatever fails, the store and a plain map agree.
fn agrees_with_a_model(store: &impl Storage, steps: Vec<Step>) -> Result<(), TestCaseError> {
    let mut model = BTreeMap::<Vec<u8>, Vec<u8>>::new();
    for step in steps {
        match step {
            Step::Commit(writes) => {
                let (mut batch, mut after) = (Batch::new(), model.clone());
                for (key, value) in writes {
                    if let Some(value) = value {
                        batch.put([key], value.clone());
                        after.insert(vec![key], value);
                    } else {
                        batch.delete([key]);
                        after.remove(&[key][..]);
                    }
                }
                if now(store.commit(batch)).is_ok() {
                    model = after;
                }
            }
            Step::Get(key) => {
                if let Ok(found) = now(store.get(&[key])) {
                    prop_assert_eq!(found.as_ref(), model.get(&[key][..]));
                }
                if let Ok(found) = now(store.get_many(&[&[key], &[9]])) {
                    prop_assert_eq!(found, [model.get(&[key][..]).cloned(), None]);
                }
            }
            Step::Scan => {
                let expected: Vec<_> = model.clone().into_iter().collect();
                if let Ok(found) = now(store.scan(Scan::all())) {
                    prop_assert_eq!(&found, &expected);
                }
                if let Ok(found) = now(store.scan_prefix(b"")) {
                    prop_assert_eq!(&found, &expected);
                }
            }
        }
    }
    Ok(())
}

fn faults() -> impl Strategy<Value = Vec<(usize, Fault)>> {
    vec(
        (
            0_usize..40,
            prop_oneof![Just(Fault::Refused), Just(Fault::Full)],
        ),
        0..12,
    )
}

fn failing(faults: Vec<(usize, Fault)>) -> FaultyStorage<MemoryStorage> {
    let store = FaultyStorage::new(MemoryStorage::new());
    for (at, fault) in faults {
        store.fail(at, fault);
    }
    store
}

proptest! {
    #[test]
    fn an_operation_that_fails_has_changed_nothing(steps in vec(step(), 0..30), faults in faults()) {
        agrees_with_a_model(&failing(faults), steps)?;
    }
}

/// Whichever operation finds the disk full: what was acknowledged is there, and the rest is written when there is room.
#[test]
fn a_document_survives_a_full_disk_at_every_step() {
    for at in 0..24 {
        let disk = MemoryStorage::new();
        let storage = FaultyStorage::new(disk.clone());
        storage.fail(at, Fault::Full);
        let mut store = DocStore::new(storage.clone(), "notes").unwrap();
        let loaded = now(store.load::<Lines>(clock(1))).or_else(|error| {
            assert!(error.is_quota());
            now(store.load::<Lines>(clock(1)))
        });
        let (mut doc, mut saver) = (loaded.unwrap().doc, Saver::new());
        for n in 0..12 {
            let done = doc.transact(|tx| tx.insert(n, n.to_string())).unwrap();
            saver.push(done.delta);
            while let Some((id, deltas)) = saver.next_write() {
                let StoreWrite { batch, receipt } = store.log(&deltas);
                if now(storage.commit(batch)).is_ok() {
                    saver.saved(id);
                    store.committed(receipt);
                } else {
                    saver.failed(id);
                    saver.retry();
                }
            }
            if n % 4 == 3 {
                let StoreWrite { batch, receipt } = store.compact(&mut doc).unwrap();
                if now(storage.commit(batch)).is_ok() {
                    store.committed(receipt);
                }
            }
            let mut again = DocStore::new(disk.clone(), "notes").unwrap();
            let found = now(again.load::<Lines>(clock(2))).unwrap();
            assert!(found.damage.is_empty(), "operation {at}, edit {n}");
            assert_eq!(bytes(&found.doc), bytes(&doc), "operation {at}, edit {n}");
        }
        assert_eq!(saver.unsaved(), 0);
    }
}

#[cfg(feature = "deflate")]
mod compressed {
    use super::*;
    use leptos_sync_core::CompressedStorage;

    type Compressed = CompressedStorage<MemoryStorage>;

    fn text() -> Vec<u8> {
        prose(250)
    }

    fn stored(store: &Compressed) -> Vec<u8> {
        now(store.inner().get(b"key")).unwrap().unwrap()
    }

    #[test]
    fn a_storage_that_compresses_keeps_the_laws_in_any_place() {
        now(conformance::run(async || Compressed::default()));
        now(conformance::run(async || {
            CompressedStorage::new(FaultyStorage::new(MemoryStorage::new()))
        }));
        now(conformance::run(async || {
            FaultyStorage::new(CompressedStorage::new(MemoryStorage::new()))
        }));
        now(conformance::run(async || {
            CompressedStorage::new(Compressed::default())
        }));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_whatever_fails(steps in vec(step(), 0..30), faults in faults()) {
            agrees_with_a_model(&CompressedStorage::new(failing(faults)), steps)?;
        }
    }

    #[test]
    fn a_value_is_compressed_where_it_is_large_enough_and_that_pays() {
        let store = Compressed::default();
        now(store.commit(putting(b"key", &text()))).unwrap();
        assert!(stored(&store).len() < text().len() / 4);
        for plain in [&b"short"[..], &(0..=255).collect::<Vec<u8>>()] {
            now(store.commit(putting(b"key", plain))).unwrap();
            assert_eq!(stored(&store), plain);
        }
    }

    #[test]
    fn what_was_there_before_is_read_as_it_is() {
        let old = MemoryStorage::new();
        now(old.commit(putting(b"key", &text()))).unwrap();
        let store = CompressedStorage::new(old);
        assert_eq!(now(store.get(b"key")).unwrap(), Some(text()));
    }

    /// The page may end before the commit is done, with strict durability or without.
    #[test]
    fn a_batch_keeps_its_durability() {
        #[derive(Clone)]
        struct Strict;
        impl Storage for Strict {
            async fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, leptos_sync_core::Error> {
                Ok(None)
            }
            async fn get_many(
                &self,
                _: &[&[u8]],
            ) -> Result<Vec<Option<Vec<u8>>>, leptos_sync_core::Error> {
                Ok(Vec::new())
            }
            async fn scan(
                &self,
                _: Scan,
            ) -> Result<Vec<leptos_sync_core::Record>, leptos_sync_core::Error> {
                Ok(Vec::new())
            }
            fn commit(
                &self,
                batch: Batch,
            ) -> impl Future<Output = Result<(), leptos_sync_core::Error>> + 'static {
                assert!(batch.is_strict());
                std::future::ready(Ok(()))
            }
        }
        let mut batch = putting(b"key", b"value");
        batch.strict();
        now(CompressedStorage::new(Strict).commit(batch)).unwrap();
    }

    #[test]
    fn every_damaged_byte_is_an_error_that_names_the_key_and_the_others_are_read() {
        let store = Compressed::default();
        now(store.commit(putting(b"key", &text()))).unwrap();
        now(store.commit(putting(b"other", &text()))).unwrap();
        let whole = stored(&store);
        // The first six bytes say that it is ours; without them it is a value like any other.
        for at in 6..whole.len() {
            let mut damaged = whole.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 1;
            }
            now(store.inner().commit(putting(b"key", &damaged))).unwrap();
            let Err(error) = now(store.get(b"key")) else {
                panic!("the byte at {at} was not missed");
            };
            assert!(error.is_corrupt() || error.is_unsupported(), "{error:?}");
            assert!(error.to_string().contains("at key"), "{error}");
            assert!(now(store.scan(Scan::all())).is_err());
            assert_eq!(now(store.get(b"other")).unwrap(), Some(text()));
        }
        for end in 6..whole.len() {
            let cut = whole.get(..end).unwrap();
            now(store.inner().commit(putting(b"key", cut))).unwrap();
            assert!(now(store.get(b"key")).is_err_and(|error| error.is_corrupt()));
        }
    }
}
