use js_sys::Reflect;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::StorageManager;

/// How much this site's data takes, and how much it may take, in bytes, as the browser estimates it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StorageEstimate {
    /// What is used.
    pub usage: f64,
    /// What may be used, the used part included.
    pub quota: f64,
}

/// Asks the browser not to evict this site's data when room gets short; whether it agreed.
///
/// Without it, a browser may delete a site's data without asking: all of it, or nothing. Browsers decide by themselves or
/// ask the user, so call it when the user has reason to agree. `false` too where the browser knows no such thing.
pub async fn request_persistence() -> bool {
    let Some(promise) = manager().and_then(|manager| manager.persist().ok()) else {
        return false;
    };
    JsFuture::from(promise)
        .await
        .is_ok_and(|granted| granted.is_truthy())
}

/// How much room there is, where the browser tells.
pub async fn estimate_storage() -> Option<StorageEstimate> {
    let estimate = JsFuture::from(manager()?.estimate().ok()?).await.ok()?;
    let number = |name| {
        Reflect::get(&estimate, &JsValue::from_str(name))
            .ok()?
            .as_f64()
    };
    Some(StorageEstimate {
        usage: number("usage")?,
        quota: number("quota")?,
    })
}

/// `navigator.storage`, which insecure contexts lack.
fn manager() -> Option<StorageManager> {
    navigator("storage").map(JsCast::unchecked_into)
}

/// A property of `navigator`, which windows and workers have alike.
pub(crate) fn navigator(property: &str) -> Option<JsValue> {
    let navigator = Reflect::get(&js_sys::global(), &JsValue::from_str("navigator")).ok()?;
    let value = Reflect::get(&navigator, &JsValue::from_str(property)).ok()?;
    value.is_truthy().then_some(value)
}
