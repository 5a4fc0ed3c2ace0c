//! The laws of [`Storage`](leptos_sync_core::storage::Storage) on IndexedDB.
#![cfg(target_arch = "wasm32")]

mod common;

use std::cell::RefCell;

use common::Scratch;
use leptos_sync_core::storage::{CompressedStorage, Storage, conformance};
use leptos_sync_web::storage::IndexedDbStorage;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

async fn runs_on<S: Storage>(around: impl Fn(IndexedDbStorage) -> S) {
    let databases = RefCell::new(Vec::new());
    conformance::run(async || {
        let scratch = Scratch::new("conformance");
        let storage = scratch.open().await;
        databases.borrow_mut().push(scratch);
        around(storage)
    })
    .await;
    for scratch in databases.take() {
        scratch.delete().await;
    }
}

#[wasm_bindgen_test]
async fn indexed_db_obeys_the_laws_of_storage() {
    runs_on(|storage| storage).await;
}

#[wasm_bindgen_test]
async fn compressed_indexed_db_obeys_the_laws_of_storage() {
    runs_on(CompressedStorage::new).await;
}
