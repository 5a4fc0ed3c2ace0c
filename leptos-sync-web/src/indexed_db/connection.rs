use std::rc::Rc;

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::Event;

use super::sys::Database;
use crate::{cell::RefCell, js};

/// A connection to a database. This code, another tab or the browser may close it. An operation on
/// a closed connection returns an error.
///
/// Operations that were issued before it closes still complete.
pub(super) struct Connection(Database);

/// The function to call when another tab or the browser has closed the connection, if there is one.
pub(super) type Ended = Rc<RefCell<Option<Box<dyn Fn()>>>>;

impl Connection {
    /// Owns an open database. Calls `ended` when another tab or the browser ends the connection.
    pub(super) fn new(database: Database, ended: Ended) -> Self {
        let closes = database.clone();
        // The type that leptos uses too, so that a page contains its code once.
        let listener = Closure::<dyn FnMut(Event)>::new(move |_| {
            // Close it at once, since the other tab waits.
            let _ = js::run(&closes, "close");
            if let Some(ended) = &*ended.borrow() {
                ended();
            }
        });
        // The database keeps the listener, and is gone once it is closed.
        let listener = listener.into_js_value().unchecked_into();
        js::set(&database, "onversionchange", &listener);
        js::set(&database, "onclose", &listener);
        Self(database)
    }

    /// Returns the version of the database.
    pub(super) fn version(&self) -> f64 {
        let version = js::get(&self.0, "version").ok();
        version.and_then(|version| version.as_f64()).unwrap_or(0.0)
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
