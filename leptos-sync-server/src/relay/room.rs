use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use leptos_sync_core::{
    ReplicaId,
    sync::{Broadcast, Channel, Reason},
};
use metrics::Gauge;
use parking_lot::Mutex;

use super::queue::{Event, Presence, Queue};
use crate::limits;

/// The connections that have one document open.
pub(super) struct Room {
    members: Mutex<Vec<Member>>,
    /// The number of rooms.
    count: Gauge,
}

struct Member {
    peer: ReplicaId,
    user: Arc<str>,
    channel: Channel,
    queue: Queue,
    presence: Option<Arc<[u8]>>,
}

impl Room {
    fn new(count: Gauge) -> Self {
        count.increment(1.0);
        Self {
            members: Mutex::default(),
            count,
        }
    }

    /// Adds a connection. It receives the presence of the others immediately, and then all events.
    /// A connection that is already in the room is added again.
    pub(super) fn enter(&self, peer: ReplicaId, user: Arc<str>, channel: Channel, queue: &Queue) {
        let mut members = self.members.lock();
        members.retain(|member| member.peer != peer || member.channel != channel);
        for member in members.iter() {
            if let Some(data) = &member.presence {
                let (user, data) = (Arc::clone(&member.user), Arc::clone(data));
                queue.push_presence(channel, member.peer, Presence { user, data });
            }
        }
        members.push(Member {
            peer,
            user,
            channel,
            queue: queue.clone(),
            presence: None,
        });
    }

    /// Removes a connection, and notifies the others that it is no longer present.
    pub(super) fn leave(&self, peer: ReplicaId, channel: Channel) {
        self.set_presence(peer, channel, Arc::default());
        let mut members = self.members.lock();
        members.retain(|member| member.peer != peer || member.channel != channel);
    }

    /// Sends durable operations to the others. One lock ensures that all receive them in one order.
    pub(super) fn publish(&self, from: ReplicaId, deltas: &Arc<[Broadcast]>) {
        let fits = deltas.iter().all(Broadcast::fits);
        let members = self.members.lock();
        for member in members.iter().filter(|member| member.peer != from) {
            let channel = member.channel;
            member.queue.push(match fits {
                true => Event::Deltas {
                    channel,
                    deltas: Arc::clone(deltas),
                },
                // The operations do not fit into a message. A client that opens the document again
                // receives them in parts, as fast as it reads.
                false => Event::Closed {
                    channel,
                    reason: Reason::Slow,
                    text: "the next change is too large for one message; open the document again",
                },
            });
        }
    }

    /// Sets the presence of a connection and sends it to the others. Does nothing if the connection
    /// was not present and the data is empty, or if [`limits::PRESENT`] others are already present.
    pub(super) fn set_presence(&self, from: ReplicaId, channel: Channel, data: Arc<[u8]>) {
        let mut members = self.members.lock();
        let present = members.iter().filter(|member| member.presence.is_some());
        let is_crowded = present.count() >= limits::PRESENT;
        let own = members
            .iter_mut()
            .find(|member| member.peer == from && member.channel == channel);
        let Some(own) = own else {
            return;
        };
        if own.presence.is_none() && (data.is_empty() || is_crowded) {
            return;
        }
        own.presence = (!data.is_empty()).then(|| Arc::clone(&data));
        let user = Arc::clone(&own.user);
        let presence = Presence { user, data };
        for member in members.iter().filter(|member| member.peer != from) {
            member
                .queue
                .push_presence(member.channel, from, presence.clone());
        }
    }

    /// Sends an event to all connections.
    pub(super) fn announce(&self, event: impl Fn(Channel) -> Event) {
        for member in self.members.lock().iter() {
            member.queue.push(event(member.channel));
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.count.decrement(1.0);
    }
}

/// The rooms of all open documents, by name.
pub(super) struct Rooms {
    rooms: Mutex<HashMap<String, Weak<Room>>>,
    count: Gauge,
}

impl Rooms {
    pub(super) fn new(count: Gauge) -> Self {
        Self {
            rooms: Mutex::default(),
            count,
        }
    }

    /// Returns the room of a document, and creates it if necessary.
    pub(super) fn room(&self, document: &str) -> Arc<Room> {
        let mut rooms = self.rooms.lock();
        if let Some(room) = rooms.get(document).and_then(Weak::upgrade) {
            return room;
        }
        // Remove the names of empty rooms only when the table would grow.
        if rooms.len() == rooms.capacity() {
            rooms.retain(|_, room| room.strong_count() > 0);
        }
        let room = Arc::new(Room::new(self.count.clone()));
        rooms.insert(document.to_owned(), Arc::downgrade(&room));
        room
    }

    /// Returns the room of a document if at least one connection has the document open.
    pub(super) fn occupied(&self, document: &str) -> Option<Arc<Room>> {
        self.rooms.lock().get(document).and_then(Weak::upgrade)
    }
}
