use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Object, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::JsFuture;

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
        let lock = Rc::new(RefCell::new(None));
        let mut end: Option<Promise> = None;
        let answered = Promise::new(&mut |answer, _| {
            // Where the asker is gone, the browser has the lock back at once, or as soon as `lock` is dropped.
            let asker = Rc::downgrade(&lock);
            let granted = Closure::once_into_js(move |granted: JsValue| {
                let asker = asker.upgrade().filter(|_| !granted.is_null());
                let held = asker.map(|asker| {
                    Promise::new(&mut |release, _| *asker.borrow_mut() = Some(Lock { release }))
                });
                // Resolving a promise does not throw.
                let _ = answer.call0(&JsValue::UNDEFINED);
                held.map_or(JsValue::UNDEFINED, JsValue::from)
            });
            end = self.0.request(name, options, granted.unchecked_ref()).ok();
        });
        // The end comes without an answer where the browser refuses.
        let ends = Array::of2(&answered, end.as_ref()?);
        let answer = Promise::race(&ends);
        JsFuture::from(answer).await.ok()?;
        lock.take()
    }
}
