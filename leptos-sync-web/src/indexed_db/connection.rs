use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::sys::Database;

/// A connection to a database. This code, another tab or the browser may close it. An operation on
/// a closed connection returns an error.
///
/// Operations that were issued before it closes still complete.
pub(super) struct Connection(Database);

impl Connection {
    /// Opens the database at its current version, and creates it if it does not exist.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        let database = Database::open(name).await?;
        // Let the browser call `close` itself, so that the connection closes at once.
        let close: Function = Reflect::get(&database, &"close".into())?.unchecked_into();
        database.set_onversionchange(Some(&close.bind0(&database)));
        Ok(Self(database))
    }

    pub(super) fn database(&self) -> &Database {
        &self.0
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}
