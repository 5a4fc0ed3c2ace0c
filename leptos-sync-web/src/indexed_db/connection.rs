use std::{cell::Cell, rc::Rc};

use wasm_bindgen::{JsCast, JsValue, prelude::Closure};

use super::sys::Database;

/// An open connection, until it is closed: by us, for another tab's sake, or by the browser.
///
/// What was issued before it closes goes on to its end.
pub(super) struct Connection {
    database: Database,
    is_open: Rc<Cell<bool>>,
    /// Lives as long as the browser may call it.
    _on_end: Closure<dyn FnMut()>,
}

impl Connection {
    /// Opens the database at whatever version it has, and creates it where there is none.
    pub(super) async fn open(name: &str) -> Result<Self, JsValue> {
        let database = Database::open(name).await?;
        let is_open = Rc::new(Cell::new(true));
        let on_end = Closure::new({
            let (database, is_open) = (database.clone(), Rc::clone(&is_open));
            move || {
                is_open.set(false);
                database.close();
            }
        });
        let listener = Some(on_end.as_ref().unchecked_ref());
        database.set_onversionchange(listener);
        database.set_onclose(listener);
        Ok(Self {
            database,
            is_open,
            _on_end: on_end,
        })
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.get()
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.database.close();
    }
}
