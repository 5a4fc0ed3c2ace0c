use indexed_db_futures::{
    Result,
    error::SimpleValueError,
    primitive::{TryFromJs, TryToJs},
};
use js_sys::{ArrayBuffer, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};

/// Bytes on their way into the database, as a key or a value.
pub(super) struct Bytes<'a>(pub(super) &'a [u8]);

impl TryToJs for Bytes<'_> {
    fn try_to_js(&self) -> Result<JsValue> {
        Ok(Uint8Array::from(self.0).into())
    }
}

/// Bytes on their way out: IndexedDB gives binary keys back as `ArrayBuffer`s and values as what they were.
pub(super) struct Stored(pub(super) Vec<u8>);

impl TryFromJs for Stored {
    fn from_js(js: JsValue) -> std::result::Result<Self, SimpleValueError> {
        if js.has_type::<Uint8Array>() || js.has_type::<ArrayBuffer>() {
            Ok(Self(Uint8Array::new(&js).to_vec()))
        } else {
            Err(SimpleValueError::DynCast(js))
        }
    }
}
