use wasm_bindgen::JsValue;

use super::sys::Database;
use crate::js;

/// A connection to a database. This code, another tab or the browser may close it. An operation on
/// a closed connection returns an error.
///
/// Operations that were issued before it closes still complete.
pub(super) struct Connection(Database);

impl Connection {
    /// Opens the database at its current version, and creates it if it does not exist.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        let database = Database::open(name).await?;
        // Let the browser call `close` itself, so that the connection closes immediately.
        let close = js::call(&js::get(&database, "close")?, "bind", &database)?;
        js::set(&database, "onversionchange", &close);
        Ok(Self(database))
    }

    pub(super) fn database(&self) -> &Database {
        &self.0
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = js::run(&self.0, "close");
    }
}
