use std::{mem, sync::Arc};

use super::editing::outside_edits;
use crate::lock::Mutex;

/// A queue from the reactive graph to a handler. The handler may be set after the first item was
/// sent.
pub(crate) struct Mailbox<T>(Mutex<State<T>>);

enum State<T> {
    /// There is no handler yet.
    Queued(Vec<T>),
    /// The handler receives each item immediately.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "a server has no handlers")
    )]
    Delivering(Arc<Handler<T>>),
    /// There is no handler and will never be one: items are dropped.
    Closed,
}

type Handler<T> = dyn Fn(T) + Send + Sync;

impl<T: 'static> Mailbox<T> {
    pub(crate) fn new() -> Self {
        // In a browser, the handler waits for the storage. On a server, there is never a handler.
        Self(Mutex::new(if cfg!(target_arch = "wasm32") {
            State::Queued(Vec::new())
        } else {
            State::Closed
        }))
    }

    /// Sends an item. Inside an edit, the item is sent when the edit has ended.
    pub(crate) fn push(&self, item: T) {
        let handle = match &mut *self.0.lock() {
            State::Queued(items) => return items.push(item),
            State::Delivering(handle) => Arc::clone(handle),
            State::Closed => return,
        };
        outside_edits(move || handle(item));
    }

    /// Drops the handler and all later items.
    pub(crate) fn close(&self) {
        // Dropping the handler may use the mailbox.
        drop(self.replace(State::Closed));
    }

    fn replace(&self, state: State<T>) -> State<T> {
        mem::replace(&mut *self.0.lock(), state)
    }
}

#[cfg(target_arch = "wasm32")]
impl<T: 'static> Mailbox<T> {
    /// Sets the handler. Passes the queued items to it, and then each new item immediately.
    pub(crate) fn open(&self, handle: Arc<Handler<T>>) {
        let before = self.replace(State::Delivering(Arc::clone(&handle)));
        if let State::Queued(items) = before {
            items.into_iter().for_each(&*handle);
        }
    }
}
