use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use leptos_sync_core::{
    ReplicaId,
    sync::{Broadcast, Channel},
};
use metrics::Gauge;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::stored::EntryAnswer;
use crate::limits;

/// The events that wait to be sent to one connection.
///
/// The queue is bounded. When it is full, a document whose next pages arrive *lags*: the queue
/// drops its pages, and the connection reads them from the log once it has sent everything else. So
/// a slow client takes little memory and is not disconnected. Presence is not counted: the queue
/// holds only the latest presence of each peer, behind all other events.
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
    /// The documents whose pages are added. The pages of all others are dropped.
    following: BTreeSet<Channel>,
    /// The documents whose pages are dropped until they have been read from the log, in the order
    /// in which they are read.
    lagging: VecDeque<Channel>,
    /// The peers whose presence waits, in the order in which it is sent.
    order: VecDeque<PresenceKey>,
    presence: HashMap<PresenceKey, Presence>,
    /// Whether the queue overflowed with events that cannot be dropped. If so, it stays empty, and
    /// the connection ends.
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
    /// Changes by others that were stored together.
    Pages {
        channel: Channel,
        pages: Arc<[Broadcast]>,
    },
    /// Pages were dropped. The connection reads them from the log.
    Lag { channel: Channel },
    /// The answers to entries of this client.
    Answers {
        channel: Channel,
        answers: Vec<EntryAnswer>,
    },
    /// The presence of a peer.
    Presence {
        channel: Channel,
        peer: ReplicaId,
        presence: Presence,
    },
    /// A document was removed.
    Removed { channel: Channel },
    /// Permissions may have changed.
    Recheck,
}

impl Event {
    fn bytes(&self) -> usize {
        match self {
            Self::Pages { pages, .. } => bytes(pages),
            _ => 0,
        }
    }

    fn channel(&self) -> Option<Channel> {
        match self {
            Self::Pages { channel, .. }
            | Self::Lag { channel }
            | Self::Answers { channel, .. }
            | Self::Presence { channel, .. }
            | Self::Removed { channel } => Some(*channel),
            Self::Recheck => None,
        }
    }
}

fn bytes(pages: &[Broadcast]) -> usize {
    let bytes = |page: &Broadcast| page.page().cells.envelope_bytes();
    pages.iter().map(bytes).sum()
}

impl Queue {
    pub(super) fn new(waiting: Gauge) -> Self {
        Self(Arc::new(Shared {
            state: Mutex::default(),
            waiting,
            changed: Notify::new(),
        }))
    }

    /// Adds an event. If the queue is full of events that cannot be dropped, the connection is cut
    /// off.
    pub(super) fn push(&self, event: Event) {
        self.change(|state| match state.events.len() < limits::QUEUED_EVENTS {
            true => state.add(event),
            false => {
                *state = State {
                    is_cut_off: true,
                    ..State::default()
                }
            }
        });
    }

    /// Adds the answers to entries of this client. Clients wait for answers before they push more,
    /// so few wait here.
    pub(super) fn push_answers(&self, channel: Channel, answers: Vec<EntryAnswer>) {
        self.change(|state| state.add(Event::Answers { channel, answers }));
    }

    /// Adds pages of a document that the connection [follows](Queue::follow). If the queue is
    /// already full, the document lags. So a single large page never makes a connection lag that
    /// keeps up.
    pub(super) fn push_pages(&self, channel: Channel, pages: &Arc<[Broadcast]>) {
        self.change(|state| {
            if !state.following.contains(&channel) {
                return;
            }
            match state.events.len() < limits::QUEUED_EVENTS && state.bytes < limits::QUEUED_BYTES {
                true => state.add(Event::Pages {
                    channel,
                    pages: Arc::clone(pages),
                }),
                false => state.lag(channel),
            }
        });
    }

    /// Adds the presence of a peer, which replaces an older presence of the peer in the queue.
    pub(super) fn push_presence(&self, channel: Channel, peer: ReplicaId, presence: Presence) {
        self.change(|state| {
            if state.presence.insert((channel, peer), presence).is_none() {
                state.order.push_back((channel, peer));
            }
        });
    }

    /// Adds the pages of a document from now on.
    pub(super) fn follow(&self, channel: Channel) {
        self.change(|state| {
            state.lagging.retain(|lagging| *lagging != channel);
            state.following.insert(channel);
        });
    }

    /// Drops the pages of a document.
    pub(super) fn unfollow(&self, channel: Channel) {
        self.change(|state| state.drop_pages(channel));
    }

    /// Drops the pages of a document until the connection has read them from the log.
    pub(super) fn lag(&self, channel: Channel) {
        self.change(|state| state.lag(channel));
    }

    /// Lets the connection read the pages of a document from the log, if it follows the document.
    pub(super) fn catch_up(&self, channel: Channel) {
        self.change(|state| {
            if state.following.contains(&channel) {
                state.lag(channel);
            }
        });
    }

    /// Removes all events of a document that was closed, since its channel may be reused.
    pub(super) fn forget(&self, channel: Channel) {
        self.change(|state| {
            state.drop_pages(channel);
            state
                .events
                .retain(|event| event.channel() != Some(channel));
            state.order.retain(|(of, _)| *of != channel);
            state.presence.retain(|(of, _), _| *of != channel);
        });
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

    /// Returns the number of events that wait, without presence.
    pub(super) fn len(&self) -> usize {
        self.0.state.lock().events.len()
    }

    /// Returns whether both are handles to the queue of one connection.
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Changes the state, unless the connection was cut off.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.0.state.lock();
        if state.is_cut_off {
            return;
        }
        let before = state.waiting();
        change(&mut state);
        self.0.waiting.increment(state.waiting() - before);
        drop(state);
        self.0.changed.notify_one();
    }

    /// Returns the next event if one waits, or `Some(None)` if the connection was cut off.
    pub(super) fn try_next(&self) -> Option<Option<Event>> {
        let mut state = self.0.state.lock();
        if state.is_cut_off {
            return Some(None);
        }
        let event = state.next()?;
        self.0.waiting.decrement(1.0);
        Some(Some(event))
    }
}

impl State {
    fn waiting(&self) -> f64 {
        (self.events.len() + self.lagging.len() + self.order.len()) as f64
    }

    fn add(&mut self, event: Event) {
        self.bytes += event.bytes();
        self.events.push_back(event);
    }

    fn drop_pages(&mut self, channel: Channel) {
        self.following.remove(&channel);
        self.lagging.retain(|lagging| *lagging != channel);
        self.events.retain(|event| match event {
            Event::Pages { channel: of, .. } => *of != channel,
            _ => true,
        });
        self.bytes = self.events.iter().map(Event::bytes).sum();
    }

    fn lag(&mut self, channel: Channel) {
        self.drop_pages(channel);
        self.lagging.push_back(channel);
    }

    fn next(&mut self) -> Option<Event> {
        if let Some(event) = self.events.pop_front() {
            self.bytes -= event.bytes();
            return Some(event);
        }
        if let Some(channel) = self.lagging.pop_front() {
            return Some(Event::Lag { channel });
        }
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
