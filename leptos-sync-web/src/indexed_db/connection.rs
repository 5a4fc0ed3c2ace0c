use js_sys::{Function, Reflect};
use wasm_bindgen::{JsCast, JsValue};

use super::sys::Database;

/// An open connection, until it is closed: by us, for another tab's sake, or by the browser. Whoever uses a closed one is
/// told so.
///
/// What was issued before it closes goes on to its end.
pub(super) struct Connection(Database);

impl Connection {
    /// Opens the database at whatever version it has, and creates it where there is none.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        let database = Database::open(name).await?;
        // It gives way at once, without a detour through this code.
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
