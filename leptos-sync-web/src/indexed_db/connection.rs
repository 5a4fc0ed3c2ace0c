use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::sys::Database;

/// A connection, which this code, another tab or the browser may close. An operation on a closed
/// one returns an error.
///
/// Operations issued before it closes still complete.
pub(super) struct Connection(Database);

impl Connection {
    /// Opens the database at its current version, and creates it if it does not exist.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        let database = Database::open(name).await?;
        // It closes at once, without going through this code.
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
