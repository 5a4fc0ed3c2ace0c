use js_sys::{Function, Object, Promise};
use leptos_sync_core::{Error, ReplicaId};
use wasm_bindgen::{JsCast, JsValue, prelude::*};
use wasm_bindgen_futures::JsFuture;

use crate::{js, persistence::navigator, task::spawn};

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
        js::set(&if_available, "ifAvailable", &JsValue::TRUE);
        Ok(Self {
            manager,
            if_available: if_available.into(),
        })
    }

    /// Acquires a lock if no other page holds it.
    pub(crate) async fn try_lock(&self, name: &str) -> Result<Option<Lock>, Error> {
        let release = JsFuture::from(self.request(name, &self.if_available)).await;
        let release = release.map_err(|_| refused())?;
        Ok((!release.is_null()).then(|| Lock {
            release: release.unchecked_into(),
        }))
    }

    /// Waits for a lock and passes it to `granted`, or passes `None` if the browser grants none.
    pub(crate) fn wait(&self, name: &str, granted: impl FnOnce(Option<Lock>) + 'static) {
        let release = JsFuture::from(self.request(name, &Object::new()));
        spawn(async move {
            let release = release.await.ok();
            granted(release.map(|release| Lock {
                release: release.unchecked_into(),
            }));
        });
    }

    /// Requests a lock. Resolves to the function that releases it, or to `null` if `options` say
    /// not to wait and it is not available. Rejects if the browser denies the request.
    fn request(&self, name: &str, options: &JsValue) -> Promise {
        Promise::new(&mut |answer, refuse| {
            let granted = Closure::once_into_js(move |lock: JsValue| {
                let mut release = JsValue::NULL;
                // The lock is held for as long as this promise is pending.
                let held = (!lock.is_null())
                    .then(|| Promise::new(&mut |resolve, _| release = resolve.into()));
                // Resolving a promise does not throw.
                let _ = answer.call1(&JsValue::UNDEFINED, &release);
                held.map_or(JsValue::UNDEFINED, JsValue::from)
            });
            let request = self.manager.request(name, options, granted.unchecked_ref());
            // If the browser denies the lock, the request ends without an answer.
            let _ = match request {
                Ok(request) => js::call(&request, "catch", &refuse),
                Err(error) => refuse.call1(&JsValue::UNDEFINED, &error),
            };
        })
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
