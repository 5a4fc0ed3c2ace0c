use std::{rc::Rc, time::Duration};

use wasm_bindgen::{JsCast, prelude::Closure};
use web_sys::Event;

use super::sys::Database;
use crate::{cell::RefCell, js, task::after};

/// A connection to a database. This code, another tab or the browser may close it. An operation on
/// a closed connection returns an error.
///
/// Operations that were issued before it closes still complete.
pub(super) struct Connection(Database);

/// An end of a connection that another tab or the browser has caused.
#[derive(Clone, Copy)]
pub(crate) enum StorageEvent {
    /// Another tab waits for the end of the connection. Writes that are issued now still complete.
    Ending,
    /// The connection has ended.
    Ended,
}

/// The function to call at the end of a connection, if there is one. When the connection is ending,
/// it returns whether it has more to write.
pub(super) type Watcher = Rc<RefCell<Option<Rc<dyn Fn(StorageEvent) -> bool>>>>;

/// The time after which to ask again whether there is more to write.
const WAIT: Duration = Duration::from_millis(10);

/// How often to ask: for a second, since the other tab waits.
const ATTEMPTS: u32 = 100;

impl Connection {
    /// Owns an open database. Calls `watcher` when another tab or the browser ends the connection.
    pub(super) fn new(database: Database, watcher: Watcher) -> Self {
        let closes = database.clone();
        // The type that leptos uses too, so that a page contains its code once.
        let listener = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            let is_closed = js::text(&event, "type").as_deref() == Some("close");
            let attempts = if is_closed { 0 } else { ATTEMPTS };
            end(closes.clone(), Rc::clone(&watcher), attempts);
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

/// Closes a connection as soon as everything is written.
fn end(database: Database, watcher: Watcher, attempts: u32) {
    let watch = watcher.borrow().clone();
    let notify = |event| watch.as_ref().is_some_and(|watch| watch(event));
    if attempts > 0 && notify(StorageEvent::Ending) {
        return after(WAIT, move || end(database, watcher, attempts - 1));
    }
    let _ = js::run(&database, "close");
    notify(StorageEvent::Ended);
}

impl Drop for Connection {
    fn drop(&mut self) {
        let _ = js::run(&self.0, "close");
    }
}
