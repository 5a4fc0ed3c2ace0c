use std::{mem, sync::Arc};

use super::editing::outside_edits;
use crate::lock::Mutex;

/// What goes from the reactive graph to whoever takes it, who may come later than the first of it.
pub(crate) struct Mailbox<T>(Mutex<State<T>>);

enum State<T> {
    /// Queued until somebody takes it.
    Queued(Vec<T>),
    /// Handed over at once.
    #[cfg_attr(
        not(target_arch = "wasm32"),
        expect(dead_code, reason = "on a server nobody takes anything")
    )]
    Delivering(Arc<Handler<T>>),
    /// Nobody will ever handle anything: nothing is kept.
    Closed,
}

type Handler<T> = dyn Fn(T) + Send + Sync;

impl<T: 'static> Mailbox<T> {
    pub(crate) fn new() -> Self {
        // In a browser the storage may come later than the first edit; on a server it never comes.
        Self(Mutex::new(if cfg!(target_arch = "wasm32") {
            State::Queued(Vec::new())
        } else {
            State::Closed
        }))
    }

    /// Hands an item over, inside an edit as soon as that has ended.
    pub(crate) fn push(&self, item: T) {
        let handle = match &mut *self.0.lock() {
            State::Queued(items) => return items.push(item),
            State::Delivering(handle) => Arc::clone(handle),
            State::Closed => return,
        };
        outside_edits(move || handle(item));
    }

    /// From now on nothing is kept.
    pub(crate) fn close(&self) {
        // What is let go may look here.
        drop(self.replace(State::Closed));
    }

    fn replace(&self, state: State<T>) -> State<T> {
        mem::replace(&mut *self.0.lock(), state)
    }
}

#[cfg(target_arch = "wasm32")]
impl<T: 'static> Mailbox<T> {
    /// Hands over what waits, and from now on everything as it comes.
    pub(crate) fn open(&self, handle: Arc<Handler<T>>) {
        let before = self.replace(State::Delivering(Arc::clone(&handle)));
        if let State::Queued(items) = before {
            items.into_iter().for_each(&*handle);
        }
    }
}
