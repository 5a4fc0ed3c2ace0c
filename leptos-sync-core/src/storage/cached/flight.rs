use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
};

use parking_lot::Mutex;

use super::{CachedValues, Shared};

/// A load of one key, shared by all callers that wait for it.
pub(super) struct Flight {
    epoch: u64,
    state: Mutex<State>,
}

enum State {
    /// The load is in progress. These tasks are woken when it ends.
    Loading(Vec<Waker>),
    Landed(Option<Vec<u8>>),
    /// The load failed or was dropped: each waiting caller must load the value itself.
    Lost,
}

/// A caller's role in loading a key that is not cached.
pub(super) enum Role {
    /// Loads the value.
    Leader(Leader),
    /// Waits for the leader.
    Follower(Arc<Flight>),
}

/// The caller that must finish a load. Dropping it ends the load without a value.
pub(super) struct Leader {
    key: Vec<u8>,
    flight: Arc<Flight>,
    shared: Arc<Shared>,
}

impl Flight {
    /// Joins the load of `key` in the current epoch, or starts one.
    pub(super) fn board(shared: &Arc<Shared>, cached: &mut CachedValues, key: &[u8]) -> Role {
        if let Some(flight) = cached.flights.get(key)
            && flight.epoch == cached.epoch()
        {
            return Role::Follower(Arc::clone(flight));
        }
        let flight = Arc::new(Self {
            epoch: cached.epoch(),
            state: Mutex::new(State::Loading(Vec::new())),
        });
        cached.flights.insert(key.to_vec(), Arc::clone(&flight));
        Role::Leader(Leader {
            key: key.to_vec(),
            flight,
            shared: Arc::clone(shared),
        })
    }

    /// Waits for the value. Returns `None` if the load was lost.
    pub(super) async fn landing(&self) -> Option<Option<Vec<u8>>> {
        poll_fn(|context| match &mut *self.state.lock() {
            State::Loading(waiting) => {
                // A future polled twice must not register twice.
                if !waiting.iter().any(|waker| waker.will_wake(context.waker())) {
                    waiting.push(context.waker().clone());
                }
                Poll::Pending
            }
            State::Landed(value) => Poll::Ready(Some(value.clone())),
            State::Lost => Poll::Ready(None),
        })
        .await
    }

    /// Finishes the load, unless it is finished.
    fn end(&self, end: State) {
        let mut state = self.state.lock();
        if !matches!(*state, State::Loading(_)) {
            return;
        }
        let before = std::mem::replace(&mut *state, end);
        // Release the lock before waking tasks.
        drop(state);
        if let State::Loading(waiting) = before {
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl Leader {
    pub(super) fn epoch(&self) -> u64 {
        self.flight.epoch
    }

    /// Passes the value to all waiting callers.
    pub(super) fn land(self, value: Option<Vec<u8>>) {
        self.leave();
        self.flight.end(State::Landed(value));
    }

    /// Prevents further callers from joining.
    fn leave(&self) {
        let mut cached = self.shared.cached.lock();
        // A later epoch may have started another load of the key.
        let ours = cached.flights.get(&self.key);
        if ours.is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            cached.flights.remove(&self.key);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.leave();
        self.flight.end(State::Lost);
    }
}
