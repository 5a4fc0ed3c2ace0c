//! The laws of [`Storage`](leptos_sync_core::Storage) on IndexedDB.
#![cfg(target_arch = "wasm32")]

mod common;

use std::cell::RefCell;

use common::Scratch;
use leptos_sync_core::conformance;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[wasm_bindgen_test]
async fn indexed_db_keeps_the_laws_of_storage() {
    let databases = RefCell::new(Vec::new());
    conformance::run(async || {
        let scratch = Scratch::new("conformance");
        let storage = scratch.open().await;
        databases.borrow_mut().push(scratch);
        storage
    })
    .await;
    for scratch in databases.take() {
        scratch.delete().await;
    }
}
