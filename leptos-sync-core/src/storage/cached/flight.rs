use std::{
    future::poll_fn,
    sync::Arc,
    task::{Poll, Waker},
};

use parking_lot::Mutex;

use super::{Kept, Shared};

/// One load of one key, and who waits for it.
pub(super) struct Flight {
    epoch: u64,
    state: Mutex<State>,
}

enum State {
    /// Not there yet; to be woken are these.
    Away(Vec<Waker>),
    Landed(Option<Vec<u8>>),
    /// It failed or was dropped: whoever waits has to look for himself.
    Lost,
}

/// What a caller does about a key that is not kept.
pub(super) enum Role {
    /// Loads it.
    Leader(Leader),
    /// Waits for another's load.
    Follower(Arc<Flight>),
}

/// The right, and the duty, to end a flight: dropping it does so as well.
pub(super) struct Leader {
    key: Vec<u8>,
    flight: Arc<Flight>,
    shared: Arc<Shared>,
}

impl Flight {
    /// Joins the load of `key` that is on its way in this epoch, or begins one.
    pub(super) fn board(shared: &Arc<Shared>, kept: &mut Kept, key: &[u8]) -> Role {
        if let Some(flight) = kept.flights.get(key)
            && flight.epoch == kept.epoch()
        {
            return Role::Follower(Arc::clone(flight));
        }
        let flight = Arc::new(Self {
            epoch: kept.epoch(),
            state: Mutex::new(State::Away(Vec::new())),
        });
        kept.flights.insert(key.to_vec(), Arc::clone(&flight));
        Role::Leader(Leader {
            key: key.to_vec(),
            flight,
            shared: Arc::clone(shared),
        })
    }

    /// Waits until it ends: with the value, or with `None` where it was lost.
    pub(super) async fn landing(&self) -> Option<Option<Vec<u8>>> {
        poll_fn(|context| match &mut *self.state.lock() {
            State::Away(waiting) => {
                // A future that is polled anew is not to be in the list twice.
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

    /// Ends it, unless it has ended.
    fn end(&self, end: State) {
        let mut state = self.state.lock();
        if !matches!(*state, State::Away(_)) {
            return;
        }
        let before = std::mem::replace(&mut *state, end);
        // No lock is held while others run.
        drop(state);
        if let State::Away(waiting) = before {
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}

impl Leader {
    pub(super) fn epoch(&self) -> u64 {
        self.flight.epoch
    }

    /// Gives the value to all who wait.
    pub(super) fn land(self, value: Option<Vec<u8>>) {
        self.leave();
        self.flight.end(State::Landed(value));
    }

    /// Lets nobody join any more.
    fn leave(&self) {
        let mut kept = self.shared.kept.lock();
        // A later epoch may have begun another load of the key.
        let ours = kept.flights.get(&self.key);
        if ours.is_some_and(|flight| Arc::ptr_eq(flight, &self.flight)) {
            kept.flights.remove(&self.key);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        self.leave();
        self.flight.end(State::Lost);
    }
}
