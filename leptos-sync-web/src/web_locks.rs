use std::{cell::RefCell, rc::Rc};

use js_sys::{Array, Function, Object, Promise, Reflect};
use leptos_sync_core::{Error, ReplicaId};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::JsFuture;

use crate::{persistence::navigator, task::spawn};

// web-sys provides these only behind `--cfg=web_sys_unstable_apis`, which each app would have to
// set.
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

/// The browser's lock manager: named locks among all pages and workers of an origin.
pub(crate) struct Locks {
    manager: LockManager,
    if_available: JsValue,
}

/// A lock. The browser releases it when this is dropped or the page dies.
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
    /// Returns `navigator.locks`, which pages in an insecure context do not have.
    pub(crate) fn new() -> Result<Self, Error> {
        let manager = navigator("locks").ok_or_else(refused)?.unchecked_into();
        let if_available = Object::new();
        // Setting a property of a plain object does not fail.
        let _ = Reflect::set(&if_available, &"ifAvailable".into(), &JsValue::TRUE);
        Ok(Self {
            manager,
            if_available: if_available.into(),
        })
    }

    /// Acquires a lock if no other page holds it.
    pub(crate) async fn try_lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        let mut end = None;
        let answered = Promise::new(&mut |answer, _| {
            let granted = Closure::once_into_js(move |lock: JsValue| {
                let mut release = JsValue::NULL;
                // The lock is held for as long as this promise is pending.
                let held = (!lock.is_null())
                    .then(|| Promise::new(&mut |resolve, _| release = resolve.into()));
                // Resolving a promise does not throw.
                let _ = answer.call1(&JsValue::UNDEFINED, &release);
                held.map_or(JsValue::UNDEFINED, JsValue::from)
            });
            let granted = granted.unchecked_ref();
            end = self.manager.request(name, &self.if_available, granted).ok();
        });
        // If the browser refuses the request, it ends without an answer.
        let ends = Array::of2(&answered, end.as_ref().ok_or_else(refused)?);
        let release = JsFuture::from(Promise::race(&ends)).await;
        let release = release.map_err(|_| refused())?;
        Ok((!release.is_null()).then(|| Lock {
            release: release.unchecked_into(),
        }))
    }

    /// Waits for a lock and passes it to `granted`, or passes `None` if the browser grants none.
    pub(crate) fn wait(&self, name: &str, granted: impl FnOnce(Option<Lock>) + 'static) {
        let granted = Rc::new(RefCell::new(Some(granted)));
        let tell = move |lock| {
            if let Some(granted) = granted.take() {
                granted(lock);
            }
        };
        let refused = tell.clone();
        // Use the same closure type as elsewhere, so that a page contains its code once.
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
            // The request lasts as long as the page waits for the lock and holds it.
            let ended = match request {
                Ok(request) => JsFuture::from(request).await,
                Err(error) => Err(error),
            };
            if ended.is_err() {
                refused(None);
            }
        });
    }

    /// Returns the name of the lock of a replica id. Its holder writes under the id, or sends
    /// operations that were written under it.
    pub(crate) fn of_replica(database: &str, replica: ReplicaId) -> String {
        format!("leptos-sync:{database}:replica:{replica}")
    }
}

fn refused() -> Error {
    Error::unavailable("the browser gives no locks to this page; serve it over HTTPS")
}
