use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::StorageManager;

use crate::js;

/// The browser's estimate of the space for this site's data, in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct StorageEstimate {
    /// The space in use.
    pub usage: f64,
    /// The space that may be used, including the space in use.
    pub quota: f64,
}

/// Asks the browser not to evict this site's data when space runs short. Returns whether it agreed.
///
/// Without this permission, a browser may delete all data of a site without asking. Some browsers
/// ask the user, so call this when the user has a reason to agree. Also returns `false` if the
/// browser does not have this function.
pub async fn request_persistence() -> bool {
    let Some(promise) = manager().and_then(|manager| manager.persist().ok()) else {
        return false;
    };
    JsFuture::from(promise)
        .await
        .is_ok_and(|granted| granted.is_truthy())
}

/// Returns an estimate of the space for this site's data, if the browser provides one.
pub async fn estimate_storage() -> Option<StorageEstimate> {
    let estimate = JsFuture::from(manager()?.estimate().ok()?).await.ok()?;
    let number = |name| js::get(&estimate, name).ok()?.as_f64();
    Some(StorageEstimate {
        usage: number("usage")?,
        quota: number("quota")?,
    })
}

/// Returns `navigator.storage`, which pages in an insecure context do not have.
fn manager() -> Option<StorageManager> {
    navigator("storage").map(JsCast::unchecked_into)
}

/// Returns a property of `navigator`, which exists in both windows and workers.
pub(crate) fn navigator(property: &str) -> Option<JsValue> {
    let navigator = js::get(&js_sys::global(), "navigator").ok()?;
    let value = js::get(&navigator, property).ok()?;
    value.is_truthy().then_some(value)
}
