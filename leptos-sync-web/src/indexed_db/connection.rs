use std::{cell::Cell, rc::Rc};

use leptos_sync_core::Error;
use wasm_bindgen::{JsCast, prelude::Closure};

use super::{STORE, fault, sys::Database};

/// An open connection, until it is closed: by us, for another tab's sake, or by the browser.
pub(super) struct Connection {
    database: Database,
    is_open: Rc<Cell<bool>>,
    /// Lives as long as the browser may call it.
    _on_end: Closure<dyn FnMut()>,
}

impl Connection {
    /// Opens the database at whatever version it has, and creates it where there is none.
    pub(super) async fn open(name: &str) -> Result<Self, Error> {
        let database = Database::open(name).await.map_err(fault::unavailable)?;
        let connection = Self::new(database);
        if connection.database.object_store_names().contains(STORE) {
            Ok(connection)
        } else {
            Err(Error::unavailable(
                "the database of this name was made by something else than leptos-sync: choose another name",
            ))
        }
    }

    fn new(database: Database) -> Self {
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
        Self {
            database,
            is_open,
            _on_end: on_end,
        }
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.get()
    }

    /// Closes the connection to new transactions; those under way go on to their end.
    pub(super) fn close(&self) {
        self.is_open.set(false);
        self.database.close();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.database.set_onversionchange(None);
        self.database.set_onclose(None);
        self.close();
    }
}
