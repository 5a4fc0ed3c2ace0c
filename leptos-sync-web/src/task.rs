use std::{pin::Pin, time::Duration};

use js_sys::Promise;
use leptos::prelude::set_timeout;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};

/// Runs a task on the browser's thread. The task is boxed, so that a page contains the spawning
/// code once and not for each task.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    spawn_boxed(Box::pin(task));
}

#[inline(never)]
fn spawn_boxed(task: Pin<Box<dyn Future<Output = ()>>>) {
    spawn_local(task);
}

/// Calls `then` with the result of a promise. A page contains the code that waits once, while each
/// async function has its own.
pub(crate) fn settled(promise: Promise, then: impl FnOnce(Result<JsValue, JsValue>) + 'static) {
    settled_boxed(promise, Box::new(then));
}

#[inline(never)]
fn settled_boxed(promise: Promise, then: Box<dyn FnOnce(Result<JsValue, JsValue>)>) {
    let promise = JsFuture::from(promise);
    spawn(async { then(promise.await) });
}

/// Runs `work` after a delay. It is boxed for the same reason as tasks.
pub(crate) fn after(delay: Duration, work: impl FnOnce() + 'static) {
    after_boxed(delay, Box::new(work));
}

#[inline(never)]
fn after_boxed(delay: Duration, work: Box<dyn FnOnce()>) {
    set_timeout(work, delay);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Returns milliseconds of a clock that only goes forward.
pub(crate) fn now_ms() -> u64 {
    // Round down, since a timer may fire a fraction of a millisecond early.
    now() as u64
}
