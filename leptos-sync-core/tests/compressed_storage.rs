//! Compression is transparent to callers, even if the storage had content before.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed test may panic"
)]
#![cfg(feature = "deflate")]

mod common;

use std::collections::BTreeMap;

use common::now;
use leptos_sync_core::{
    LwwMap,
    engine::DocStore,
    storage::{
        Batch, CompressedStorage, Fault, FaultyStorage, MemoryStorage, Scan, Storage, conformance,
    },
};
use proptest::{collection::vec, prelude::*};

fn put(store: &impl Storage, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(key, value);
    now(store.commit(batch)).unwrap();
}

#[test]
fn it_obeys_the_laws_alone_and_composed() {
    now(conformance::run(async || {
        CompressedStorage::new(MemoryStorage::new())
    }));
    now(conformance::run(async || {
        CompressedStorage::new(CompressedStorage::new(MemoryStorage::new()))
    }));
    now(conformance::run(async || {
        CompressedStorage::new(FaultyStorage::new(MemoryStorage::new()))
    }));
    now(conformance::run(async || {
        FaultyStorage::new(CompressedStorage::new(MemoryStorage::new()))
    }));
}

#[test]
fn existing_values_stay_uncompressed_until_they_are_rewritten() {
    let memory = MemoryStorage::new();
    let old = "a long value of last year, ".repeat(40).into_bytes();
    let old = [old, (0..=255).collect()].concat();
    put(&memory, b"old", &old);
    put(&memory, b"tag", b"\x01");
    put(&memory, b"magic", b"LSYN\x02\x01\x00\x02\xb0\x03\x5d\x7dhi");

    let store = CompressedStorage::new(memory.clone());
    let before = now(memory.scan(Scan::all())).unwrap();
    assert_eq!(now(store.scan(Scan::all())).unwrap(), before);
    put(&store, b"old", &old);
    assert_eq!(now(store.scan(Scan::all())).unwrap(), before);
    let stored = now(memory.get(b"old")).unwrap().unwrap();
    assert!(
        stored.len() < old.len(),
        "the rewritten value is compressed"
    );
}

#[test]
fn one_damaged_value_does_not_hide_the_others() {
    let memory = MemoryStorage::new();
    let store = CompressedStorage::new(memory.clone());
    put(&memory, b"bad", b"LSYN\x02\x03\x01 and no envelope");
    put(&store, b"good", b"milk");
    let error = now(store.get(b"bad")).unwrap_err();
    assert!(
        error.is_corrupt() && error.to_string().contains("\"bad\""),
        "{error}"
    );
    // A scan returns the stored form of the damaged value; its decoder rejects it.
    let stored = b"LSYN\x02\x03\x01 and no envelope".to_vec();
    let all = vec![
        (b"bad".to_vec(), stored.clone()),
        (b"good".to_vec(), b"milk".to_vec()),
    ];
    assert_eq!(now(store.scan(Scan::all())).unwrap(), all);
    assert_eq!(now(store.scan_prefix(b"")).unwrap(), all);
    let many = now(store.get_many(&[b"good", b"bad"])).unwrap();
    assert_eq!(many, [Some(b"milk".to_vec()), Some(stored)]);
    assert_eq!(now(store.get(b"good")).unwrap(), Some(b"milk".to_vec()));
}

/// Generates a value: short or long, dense or not, sometimes with the prefix of an envelope.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let start = proptest::sample::select(vec![&b""[..], b"LSYN\x02\x03", b"LSYN\x02\x03\x01"]);
    (start, vec(any::<u8>(), 0..300), 0_usize..20)
        .prop_map(|(start, noise, times)| [start, &noise.repeat(times)].concat())
}

proptest! {
    #[test]
    fn random_histories_with_faults_agree_with_a_model(
        old in vec((0_u8..6, vec(any::<u8>(), 0..4)), 0..4),
        steps in vec(vec((0_u8..6, proptest::option::of(value())), 0..5), 1..30),
        seed in any::<u64>(),
    ) {
        let memory = MemoryStorage::new();
        let mut model = BTreeMap::new();
        for (key, value) in old {
            put(&memory, &[key], &value);
            model.insert(vec![key], value);
        }
        let faulty = FaultyStorage::new(memory);
        let store = CompressedStorage::new(faulty.clone());
        for writes in steps {
            let mut batch = Batch::new();
            let mut after = model.clone();
            for (key, value) in writes {
                match value {
                    Some(value) => {
                        batch.put([key], value.clone());
                        after.insert(vec![key], value);
                    }
                    None => {
                        batch.delete([key]);
                        after.remove(&vec![key]);
                    }
                }
            }
            // One commit in three fails, with each fault in turn.
            let turn = (seed ^ faulty.commits()) % 9;
            let fault = [Fault::Refused, Fault::Quota, Fault::AnswerLost].get(turn as usize).copied();
            if let Some(fault) = fault {
                faulty.fail_commit(faulty.commits(), fault);
            }
            prop_assert_eq!(now(store.commit(batch)).is_err(), fault.is_some());
            if matches!(fault, None | Some(Fault::AnswerLost)) {
                model = after;
            }
            let expected: Vec<_> = model.clone().into_iter().collect();
            prop_assert_eq!(now(store.scan(Scan::all())).unwrap(), expected);
            for key in 0..6_u8 {
                prop_assert_eq!(now(store.get(&[key])).unwrap(), model.get(&vec![key]).cloned());
            }
        }
    }
}

#[test]
fn a_document_loads_past_a_damaged_value() {
    let memory = MemoryStorage::new();
    let store = CompressedStorage::new(memory.clone());
    let mut doc = common::doc::<LwwMap<u32, String>>(1);
    let mut kept = DocStore::new(store.clone(), "list").unwrap();
    for n in 0..3 {
        let written = doc.transact(|tx| tx.insert(n, "milk and honey, ".repeat(200 + n as usize)));
        let write = kept.log(&[written.unwrap().delta]);
        now(store.commit(write.batch)).unwrap();
        kept.committed(write.receipt);
    }
    let records = now(memory.scan(Scan::all())).unwrap();
    let (key, value) = &records[1];
    let mut damaged = value.clone();
    *damaged.last_mut().unwrap() ^= 1;
    put(&memory, key, &damaged);

    let mut again = DocStore::new(store, "list").unwrap();
    let loaded = now(again.load::<LwwMap<u32, String>>(common::clock(2))).unwrap();
    assert_eq!(loaded.damage.len(), 1);
    assert_eq!(&loaded.damage[0].key, key);
    assert_eq!(loaded.doc.state().len(), 2);
}
