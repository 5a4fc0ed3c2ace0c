//! Properties of JavaScript objects by name.
//!
//! web-sys has an import for each property that is used, which adds about 60 gzipped bytes to a
//! page. All properties that are read or written here share two imports.

use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// Returns the property of this name. If the object has no such property, returns `undefined`.
///
/// # Errors
///
/// If `object` is not an object, or the property cannot be read at this time.
#[inline(never)]
pub(crate) fn get(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    Reflect::get(object, &name.into())
}

/// Returns the property of this name if it is a string.
#[inline(never)]
pub(crate) fn text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).ok()?.as_string()
}

/// Sets the property of this name. The properties that this crate sets do not reject a value.
#[inline(never)]
pub(crate) fn set(object: &JsValue, name: &str, value: &JsValue) {
    let _ = Reflect::set(object, &name.into(), value);
}

/// Calls the method of this name without an argument.
///
/// # Errors
///
/// As for [`call`].
pub(crate) fn run(object: &JsValue, name: &str) -> Result<JsValue, JsValue> {
    call(object, name, &JsValue::UNDEFINED)
}

/// Calls the method of this name with one argument.
///
/// # Errors
///
/// If `object` has no such method, or the method throws.
#[inline(never)]
pub(crate) fn call(object: &JsValue, name: &str, argument: &JsValue) -> Result<JsValue, JsValue> {
    let method: Function = get(object, name)?.dyn_into()?;
    method.call1(object, argument)
}

/// Calls the method of this name with two arguments.
///
/// # Errors
///
/// As for [`call`].
#[inline(never)]
pub(crate) fn call2(
    object: &JsValue,
    name: &str,
    first: &JsValue,
    second: &JsValue,
) -> Result<JsValue, JsValue> {
    let method: Function = get(object, name)?.dyn_into()?;
    method.call2(object, first, second)
}
