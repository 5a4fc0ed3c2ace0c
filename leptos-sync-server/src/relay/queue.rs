use std::{collections::VecDeque, sync::Arc};

use leptos_sync_core::{
    ReplicaId,
    sync::{Broadcast, Channel, Reason},
};
use metrics::Gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits;

/// What waits to be told to one connection. It is bounded: who does not keep up is cut off, and nobody else notices.
#[derive(Clone)]
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// How many events wait in all queues.
    waiting: Gauge,
    changed: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    cut: bool,
}

/// Something that a connection is to be told.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Others' operations.
    Delta {
        channel: Channel,
        delta: Arc<Broadcast>,
    },
    /// Somebody's presence.
    Presence {
        channel: Channel,
        peer: ReplicaId,
        data: Arc<[u8]>,
    },
    /// A document is not exchanged any more.
    Closed {
        channel: Channel,
        reason: Reason,
        text: &'static str,
    },
    /// What users may do has changed.
    Recheck,
}

impl Event {
    fn bytes(&self) -> usize {
        match self {
            Self::Delta { delta, .. } => delta.bytes(),
            Self::Presence { data, .. } => data.len(),
            Self::Closed { .. } | Self::Recheck => 0,
        }
    }
}

impl Queue {
    pub(super) fn new(waiting: Gauge) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            waiting,
            changed: Notify::new(),
        }))
    }

    /// Adds an event. One that is beyond the bounds cuts the connection off; a single large one passes.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.0.state.lock();
        if state.cut {
            return;
        }
        let bytes = event.bytes();
        let full = state.events.len() >= limits::QUEUED_EVENTS
            || (!state.events.is_empty() && state.bytes + bytes > limits::QUEUED_BYTES);
        if full {
            self.0.waiting.decrement(state.events.len() as f64);
            *state = State {
                cut: true,
                ..State::default()
            };
        } else {
            self.0.waiting.increment(1.0);
            state.bytes += bytes;
            state.events.push_back(event);
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// The next event, once there is one; `None` when the connection was cut off. A future that is dropped has taken nothing.
    pub(super) async fn next(&self) -> Option<Event> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.0.changed.notified().await;
        }
    }

    /// Whether both are the same connection's.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn try_next(&self) -> Option<Option<Event>> {
        let mut state = self.0.state.lock();
        if state.cut {
            return Some(None);
        }
        let event = state.events.pop_front()?;
        self.0.waiting.decrement(1.0);
        state.bytes -= event.bytes();
        Some(Some(event))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let left = self.state.get_mut().events.len();
        self.waiting.decrement(left as f64);
    }
}
