//! The exports of `js/`, which the page loads first.

use js_sys::Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(js_namespace = peers)]
extern "C" {
    /// Writes each record at its key, all in one transaction.
    #[wasm_bindgen(catch, js_name = plainWrite)]
    pub(crate) async fn plain_write(
        name: &str,
        keys: Array,
        records: Array,
    ) -> Result<JsValue, JsValue>;

    /// Returns an array of all records.
    #[wasm_bindgen(catch, js_name = plainRead)]
    pub(crate) async fn plain_read(name: &str) -> Result<JsValue, JsValue>;

    /// Stores a Yjs document with these entries.
    #[wasm_bindgen(catch, js_name = yjsWrite)]
    pub(crate) async fn yjs_write(
        name: &str,
        keys: Array,
        values: Array,
    ) -> Result<JsValue, JsValue>;

    /// Opens a Yjs document and returns the milliseconds until its entries can be read. Throws if
    /// the document does not have `size` entries, or not `value` at `key`.
    #[wasm_bindgen(catch, js_name = yjsOpen)]
    pub(crate) async fn yjs_open(
        name: &str,
        size: usize,
        key: &str,
        value: &str,
    ) -> Result<JsValue, JsValue>;

    /// Deletes a database.
    #[wasm_bindgen(catch)]
    pub(crate) async fn forget(name: &str) -> Result<JsValue, JsValue>;
}
