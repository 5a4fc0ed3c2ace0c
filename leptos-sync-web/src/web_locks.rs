use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos_sync_core::{Error, ReplicaId};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::JsFuture;

use crate::{persistence::navigator, task::spawn};

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
pub(crate) struct Locks {
    manager: LockManager,
    if_available: JsValue,
}

/// A held lock. The browser lets go of it when this is dropped or the page dies.
pub(crate) struct Lock {
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
    pub(crate) fn new() -> Result<Self, Error> {
        let manager = navigator("locks").ok_or_else(refused)?.unchecked_into();
        let if_available = Object::new();
        // A plain object of ours takes any property.
        let _ = Reflect::set(&if_available, &"ifAvailable".into(), &JsValue::TRUE);
        Ok(Self {
            manager,
            if_available: if_available.into(),
        })
    }

    /// A lock, if nobody holds it.
    pub(crate) async fn try_lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        let mut end = None;
        let answered = Promise::new(&mut |answer, _| {
            let granted = Closure::once_into_js(move |lock: JsValue| {
                let mut release = JsValue::NULL;
                // The lock is held for as long as this promise is open.
                let held = (!lock.is_null())
                    .then(|| Promise::new(&mut |resolve, _| release = resolve.into()));
                // Resolving a promise does not throw.
                let _ = answer.call1(&JsValue::UNDEFINED, &release);
                held.map_or(JsValue::UNDEFINED, JsValue::from)
            });
            let granted = granted.unchecked_ref();
            end = self.manager.request(name, &self.if_available, granted).ok();
        });
        // The end comes without an answer where the browser refuses.
        let ends = Array::of2(&answered, end.as_ref().ok_or_else(refused)?);
        let release = JsFuture::from(Promise::race(&ends)).await;
        let release = release.map_err(|_| refused())?;
        Ok((!release.is_null()).then(|| Lock {
            release: release.unchecked_into(),
        }))
    }

    /// Waits for a lock; `granted` is called with it, or without one where the browser gives none.
    pub(crate) fn wait(&self, name: &str, granted: impl FnOnce(Option<Lock>) + 'static) {
        let granted = Rc::new(RefCell::new(Some(granted)));
        let tell = move |lock| {
            if let Some(granted) = granted.take() {
                granted(lock);
            }
        };
        let refused = tell.clone();
        // Of the type that waiting is done with elsewhere too.
        let granted = Closure::once_into_js(move |_: JsValue| {
            let mut release = JsValue::NULL;
            let held = Promise::new(&mut |resolve, _| release = resolve.into());
            tell(Some(Lock {
                release: release.unchecked_into(),
            }));
            JsValue::from(held)
        });
        let request = self
            .manager
            .request(name, &Object::new(), granted.unchecked_ref());
        spawn(async move {
            // It lasts for as long as the lock is waited for and held.
            let ended = match request {
                Ok(request) => JsFuture::from(request).await,
                Err(error) => Err(error),
            };
            if ended.is_err() {
                refused(None);
            }
        });
    }

    /// The name of the lock that is held while somebody writes under a replica id, or sends what was written under it.
    pub(crate) fn of_replica(database: &str, replica: ReplicaId) -> String {
        format!("leptos-sync:{database}:replica:{replica}")
    }
}

fn refused() -> Error {
    Error::unavailable("the browser gives no locks to this page")
}
