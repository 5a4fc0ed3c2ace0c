//! A document on a failing storage: acknowledged edits are present, and the rest is written when
//! the storage works again.
#![allow(clippy::unwrap_used, reason = "a failed test may panic")]

mod common;

use common::{bytes, clock, now};
use leptos_sync_core::{
    LwwMap,
    engine::{DocStore, Saver, StoreWrite},
    storage::{Fault, FaultyStorage, MemoryStorage, Storage},
};

type Lines = LwwMap<u32, String>;

/// Edits, saves and compacts while the operation `at` fails.
fn survives(at: u64, fault: Fault) {
    let disk = MemoryStorage::new();
    let storage = FaultyStorage::new(disk.clone());
    storage.fail_operation(at, fault);
    let mut store = DocStore::new(storage.clone(), "notes").unwrap();
    let loaded = now(store.load::<Lines>(clock(1)));
    let loaded = loaded.or_else(|_| now(store.load::<Lines>(clock(1))));
    let (mut doc, mut saver) = (loaded.unwrap().doc, Saver::new());
    for n in 0..12 {
        let done = doc.transact(|tx| tx.insert(n, n.to_string())).unwrap();
        saver.push(done.delta);
        while let Some((id, deltas)) = saver.next_write() {
            let StoreWrite { batch, receipt, .. } = store.log(&deltas);
            if now(storage.commit(batch)).is_ok() {
                saver.saved(id);
                store.committed(receipt);
            } else {
                saver.failed(id);
                saver.retry();
            }
        }
        if n % 4 == 3 {
            let StoreWrite { batch, receipt, .. } = store.compact(&mut doc).unwrap();
            if now(storage.commit(batch)).is_ok() {
                store.committed(receipt);
            }
        }
        let mut again = DocStore::new(disk.clone(), "notes").unwrap();
        let found = now(again.load::<Lines>(clock(2))).unwrap();
        let place = format!("{fault:?} at operation {at}, after edit {n}");
        assert!(found.damage.is_empty(), "{place}");
        assert_eq!(bytes(&found.doc), bytes(&doc), "{place}");
    }
    assert_eq!(saver.unsaved(), 0);
}

#[test]
fn a_document_survives_a_fault_at_every_step() {
    for fault in [Fault::Refused, Fault::Quota, Fault::AnswerLost] {
        for at in 0..24 {
            survives(at, fault);
        }
    }
}
