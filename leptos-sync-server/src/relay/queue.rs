use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use leptos_sync_core::{
    ReplicaId,
    sync::{Broadcast, Channel, Reason},
};
use metrics::Gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::limits;

/// What waits to be told to one connection. It is bounded: who does not keep up is cut off, and nobody else notices. Presence
/// cuts nobody off: of each one the latest waits, behind everything else.
#[derive(Clone)]
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// How much waits in all queues.
    waiting: Gauge,
    changed: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    /// Whose presence waits, in the order in which it is told; and what it is.
    order: VecDeque<Present>,
    presence: HashMap<Present, Presence>,
    cut: bool,
}

/// Who is present in which document.
type Present = (Channel, ReplicaId);

/// What a client has sent about itself, with the user that the authorizer has found it to be.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    pub(super) user: Arc<str>,
    pub(super) data: Arc<[u8]>,
}

/// Something that a connection is to be told.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Others' operations, which were stored together.
    Deltas {
        channel: Channel,
        deltas: Arc<[Broadcast]>,
    },
    /// Somebody's presence.
    Presence {
        channel: Channel,
        peer: ReplicaId,
        presence: Presence,
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
            Self::Deltas { deltas, .. } => deltas.iter().map(Broadcast::bytes).sum(),
            Self::Presence { .. } | Self::Closed { .. } | Self::Recheck => 0,
        }
    }

    fn is_of(&self, of: Channel) -> bool {
        match self {
            Self::Deltas { channel, .. }
            | Self::Presence { channel, .. }
            | Self::Closed { channel, .. } => *channel == of,
            Self::Recheck => false,
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

    /// Adds an event. Where as much waits as may, it cuts the connection off: so it is not for what has come at once, however
    /// much that is, but for what was there before.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.0.state.lock();
        if state.cut {
            return;
        }
        let is_full =
            state.events.len() >= limits::QUEUED_EVENTS || state.bytes >= limits::QUEUED_BYTES;
        if is_full {
            self.0.waiting.decrement(state.waiting());
            *state = State {
                cut: true,
                ..State::default()
            };
        } else {
            self.0.waiting.increment(1.0);
            state.bytes += event.bytes();
            state.events.push_back(event);
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Adds somebody's presence, in the place of what was not told yet.
    pub(super) fn tell(&self, channel: Channel, peer: ReplicaId, presence: Presence) {
        let mut state = self.0.state.lock();
        if state.cut {
            return;
        }
        if state.presence.insert((channel, peer), presence).is_none() {
            self.0.waiting.increment(1.0);
            state.order.push_back((channel, peer));
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Nothing is told of a document any more: its number may become another one's.
    pub(super) fn forget(&self, channel: Channel) {
        let mut state = self.0.state.lock();
        let before = state.waiting();
        state.events.retain(|event| !event.is_of(channel));
        state.order.retain(|(of, _)| *of != channel);
        state.presence.retain(|(of, _), _| *of != channel);
        state.bytes = state.events.iter().map(Event::bytes).sum();
        self.0.waiting.decrement(before - state.waiting());
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
        let event = match state.events.pop_front() {
            Some(event) => event,
            None => state.next_presence()?,
        };
        self.0.waiting.decrement(1.0);
        state.bytes -= event.bytes();
        Some(Some(event))
    }
}

impl State {
    fn waiting(&self) -> f64 {
        (self.events.len() + self.order.len()) as f64
    }

    fn next_presence(&mut self) -> Option<Event> {
        let (channel, peer) = self.order.pop_front()?;
        let presence = self.presence.remove(&(channel, peer))?;
        Some(Event::Presence {
            channel,
            peer,
            presence,
        })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let left = self.state.get_mut().waiting();
        self.waiting.decrement(left);
    }
}
