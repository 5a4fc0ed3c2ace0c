//! Edits that end with a trap, as a panic does in a browser: nothing that they hold is dropped.
#![cfg(target_arch = "wasm32")]
#![expect(clippy::expect_used, reason = "a panic here is a failed test")]

mod common;

use any_spawner::Executor;
use common::{Scratch, until};
use js_sys::Function;
use leptos::prelude::*;
use leptos_sync_web::{Crdt, LwwRegister, SyncOptions, UseDocReturn, provide_sync, use_doc};
use wasm_bindgen::{JsValue, closure::Closure, throw_str};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

#[derive(Crdt, Clone, Default)]
struct Page {
    title: LwwRegister<String>,
}

/// Calls `work`, which ends with a trap.
fn trap(work: impl FnMut() + 'static) {
    let work = Closure::<dyn FnMut()>::new(work).into_js_value();
    let call = Function::new_with_args("work", "try { work() } catch { return true }");
    let trapped = call.call1(&JsValue::UNDEFINED, &work).expect("a result");
    assert!(trapped.is_truthy());
}

#[wasm_bindgen_test]
async fn other_documents_are_saved_after_an_edit_has_trapped() {
    let _ = Executor::init_wasm_bindgen();
    let scratch = Scratch::new("trapped");
    let owner = Owner::new();
    let open = |name| -> UseDocReturn<Page> { owner.with(|| use_doc(name)) };
    owner.with(|| provide_sync(SyncOptions::default().database(scratch.name())));
    let (dead, other) = (open("dead"), open("other"));
    owner.set();
    until(move || !dead.loading.get() && !other.loading.get()).await;
    trap(move || dead.doc.edit(|_| throw_str("as a panic does")));
    other.doc.title().set("milk".to_owned());
    until(move || other.saved.get()).await;
    other.doc.title().set("bread".to_owned());
    until(move || other.saved.get()).await;
    // The document of the edit cannot be edited until the page is loaded again, and says so.
    dead.doc.title().set("lost".to_owned());
    assert_eq!(dead.rejected.get_untracked().len(), 1);
}
