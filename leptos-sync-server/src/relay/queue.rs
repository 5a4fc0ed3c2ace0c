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

/// The events that wait to be sent to one connection.
///
/// The queue is bounded. A connection that does not keep up is ended, which does not affect others.
/// Presence is not counted: the queue holds only the latest presence of each peer, behind all other
/// events.
#[derive(Clone)]
pub(super) struct Queue(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// The number of events that wait in all queues.
    waiting: Gauge,
    changed: Notify,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    /// The peers whose presence waits, in the order in which it is sent.
    order: VecDeque<PresenceKey>,
    presence: HashMap<PresenceKey, Presence>,
    /// Whether the queue overflowed. If so, it stays empty, and the connection ends.
    is_cut_off: bool,
}

/// A peer in a document.
type PresenceKey = (Channel, ReplicaId);

/// The presence data of a client, with the name of its authenticated user.
#[derive(Clone, Debug)]
pub(super) struct Presence {
    pub(super) user: Arc<str>,
    pub(super) data: Arc<[u8]>,
}

/// An event that is sent to a connection.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Operations of others that were stored together.
    Deltas {
        channel: Channel,
        deltas: Arc<[Broadcast]>,
    },
    /// The presence of a peer.
    Presence {
        channel: Channel,
        peer: ReplicaId,
        presence: Presence,
    },
    /// A document was closed.
    Closed {
        channel: Channel,
        reason: Reason,
        text: &'static str,
    },
    /// Permissions may have changed.
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

    /// Adds an event. If the queue is already full, the connection is cut off. So a single large
    /// event never cuts off a connection that keeps up.
    pub(super) fn push(&self, event: Event) {
        let mut state = self.0.state.lock();
        if state.is_cut_off {
            return;
        }
        let is_full =
            state.events.len() >= limits::QUEUED_EVENTS || state.bytes >= limits::QUEUED_BYTES;
        if is_full {
            self.0.waiting.decrement(state.waiting());
            *state = State {
                is_cut_off: true,
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

    /// Adds the presence of a peer, which replaces an older presence of the peer in the queue.
    pub(super) fn push_presence(&self, channel: Channel, peer: ReplicaId, presence: Presence) {
        let mut state = self.0.state.lock();
        if state.is_cut_off {
            return;
        }
        if state.presence.insert((channel, peer), presence).is_none() {
            self.0.waiting.increment(1.0);
            state.order.push_back((channel, peer));
        }
        drop(state);
        self.0.changed.notify_one();
    }

    /// Removes all events of a document that was closed, since its channel may be reused.
    pub(super) fn forget(&self, channel: Channel) {
        let mut state = self.0.state.lock();
        let before = state.waiting();
        state.events.retain(|event| !event.is_of(channel));
        state.order.retain(|(of, _)| *of != channel);
        state.presence.retain(|(of, _), _| *of != channel);
        state.bytes = state.events.iter().map(Event::bytes).sum();
        self.0.waiting.decrement(before - state.waiting());
    }

    /// Waits for the next event; returns `None` if the connection was cut off. The method is cancel
    /// safe: a dropped future has not removed an event.
    pub(super) async fn next(&self) -> Option<Event> {
        loop {
            if let Some(next) = self.try_next() {
                return next;
            }
            self.0.changed.notified().await;
        }
    }

    /// Returns whether both are handles to the queue of one connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn try_next(&self) -> Option<Option<Event>> {
        let mut state = self.0.state.lock();
        if state.is_cut_off {
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
