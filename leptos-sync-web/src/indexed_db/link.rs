use std::{cell::RefCell, mem, rc::Rc};

use futures::channel::oneshot;
use leptos_sync_core::Error;
use wasm_bindgen_futures::spawn_local;

use super::connection::Connection;

type Opened = Result<Rc<Connection>, Error>;

/// A connection that is opened again when it is needed after it was closed.
///
/// Whoever asks while it is being opened is served in the order of asking, so that batches keep their order.
pub(super) struct Link {
    name: String,
    state: RefCell<State>,
}

enum State {
    /// A connection, which may have been closed since.
    Opened(Rc<Connection>),
    /// A connection is being opened for those who wait for it.
    Opening(Vec<Box<dyn FnOnce(Opened)>>),
    /// The last attempt failed.
    Failed,
}

impl Link {
    pub(super) async fn open(name: &str) -> Result<Rc<Self>, Error> {
        let connection = Connection::open(name).await?;
        Ok(Rc::new(Self {
            name: name.to_owned(),
            state: RefCell::new(State::Opened(Rc::new(connection))),
        }))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Hands over an open connection: before it returns if there is one, else as soon as one was opened.
    pub(super) fn when_open(self: &Rc<Self>, waiter: impl FnOnce(Opened) + 'static) {
        let mut state = self.state.borrow_mut();
        match &mut *state {
            State::Opened(connection) if connection.is_open() => {
                let connection = Rc::clone(connection);
                drop(state);
                waiter(Ok(connection));
            }
            State::Opening(waiters) => waiters.push(Box::new(waiter)),
            State::Opened(_) | State::Failed => {
                *state = State::Opening(vec![Box::new(waiter)]);
                spawn_local(Rc::clone(self).reopen());
            }
        }
    }

    /// An open connection.
    pub(super) async fn connection(self: &Rc<Self>) -> Opened {
        let (sender, receiver) = oneshot::channel();
        self.when_open(|opened| {
            // Whoever asked may be gone.
            let _ = sender.send(opened);
        });
        receiver.await.unwrap_or_else(|_| Err(lost("")))
    }

    async fn reopen(self: Rc<Self>) {
        let opened = Connection::open(&self.name).await.map(Rc::new);
        let state = match &opened {
            Ok(connection) => State::Opened(Rc::clone(connection)),
            Err(_) => State::Failed,
        };
        let State::Opening(waiters) = mem::replace(&mut *self.state.borrow_mut(), state) else {
            return;
        };
        for waiter in waiters {
            waiter(match &opened {
                Ok(connection) => Ok(Rc::clone(connection)),
                Err(error) => Err(lost(&error.to_string())),
            });
        }
    }
}

/// A storage error: the database was open once, so this is no longer a matter of what the platform offers.
fn lost(why: &str) -> Error {
    Error::storage(["the database was closed and cannot be opened again: ", why].concat())
}
