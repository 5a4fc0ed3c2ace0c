use std::pin::Pin;

use wasm_bindgen_futures::spawn_local;

/// Runs a task on the browser's thread. Boxed, so that a page has the code of spawning once and not for each task.
pub(crate) fn spawn(task: impl Future<Output = ()> + 'static) {
    spawn_boxed(Box::pin(task));
}

#[inline(never)]
fn spawn_boxed(task: Pin<Box<dyn Future<Output = ()>>>) {
    spawn_local(task);
}
