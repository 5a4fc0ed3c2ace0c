use futures::channel::oneshot;
use js_sys::{Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::persistence::navigator;

// web-sys has this only behind `--cfg=web_sys_unstable_apis`, which every application would have to set.
#[wasm_bindgen]
extern "C" {
    type LockManager;

    #[wasm_bindgen(method, catch)]
    fn request(
        this: &LockManager,
        name: &str,
        options: &JsValue,
        granted: &Function,
    ) -> Result<Promise, JsValue>;
}

/// The browser's lock manager: locks by name, among all pages and workers of an origin.
pub(super) struct Locks(LockManager);

/// A held lock. The browser lets go of it when this is dropped or the page dies.
pub(super) struct Lock {
    release: Function,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Resolving a promise does not throw.
        let _ = self.release.call0(&JsValue::UNDEFINED);
    }
}

impl Locks {
    /// `navigator.locks`, which insecure contexts lack.
    pub(super) fn new() -> Option<Self> {
        Some(Self(navigator("locks")?.unchecked_into()))
    }

    /// Waits for a lock; `None` when the browser refuses it.
    pub(super) async fn wait(&self, name: &str) -> Option<Lock> {
        self.request(name, &JsValue::from(Object::new())).await
    }

    /// A lock, if nobody holds it.
    pub(super) async fn try_lock(&self, name: &str) -> Option<Lock> {
        let options = Object::new();
        Reflect::set(&options, &JsValue::from_str("ifAvailable"), &JsValue::TRUE).ok()?;
        self.request(name, &options).await
    }

    async fn request(&self, name: &str, options: &JsValue) -> Option<Lock> {
        let (sender, receiver) = oneshot::channel();
        let granted = Closure::once(move |lock: JsValue| {
            if lock.is_null() {
                return JsValue::UNDEFINED;
            }
            let mut release = None;
            let held = Promise::new(&mut |resolve, _| release = Some(resolve));
            if let Some(release) = release {
                // Where the asker is gone, the lock comes back with the error and is released by its drop.
                let _ = sender.send(Lock { release });
            }
            held.into()
        });
        let end = self
            .0
            .request(name, options, granted.as_ref().unchecked_ref())
            .ok()?;
        spawn_local(async move {
            // Settles when the lock is released or refused; only then may the callback, and the sender in it, go.
            let _ = JsFuture::from(end).await;
            drop(granted);
        });
        receiver.await.ok()
    }
}
