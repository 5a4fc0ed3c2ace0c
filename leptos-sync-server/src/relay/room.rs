use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use leptos_sync_core::{
    ReplicaId,
    history::{Page, Sequence},
    sync::{Broadcast, Channel},
};
use metrics::Gauge;
use parking_lot::Mutex;
use tokio::{sync::watch, time::timeout};

use super::{
    queue::{Event, Presence, Queue},
    stored::EntryAnswer,
};
use crate::limits;

/// The connections that have one document open.
pub(super) struct Room {
    members: Mutex<Vec<Member>>,
    /// The number up to which changes were sent to the members. `None` if the document was not
    /// opened yet.
    published: watch::Sender<Option<Sequence>>,
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

/// Changes that were stored together.
pub(super) struct Publication {
    /// The connection that stored them.
    pub(super) from: (ReplicaId, Channel),
    /// The number of the last change, or `None` if nothing was stored.
    pub(super) last: Option<Sequence>,
    pub(super) pages: Vec<Page>,
    /// The answers to the connection's entries.
    pub(super) answers: Vec<EntryAnswer>,
}

impl Room {
    fn new(count: Gauge) -> Self {
        count.increment(1.0);
        Self {
            members: Mutex::default(),
            published: watch::Sender::new(None),
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

    /// Records the head of the document when it is opened. Changes after it will be published.
    pub(super) fn opened(&self, head: Sequence) {
        self.published.send_if_modified(|published| {
            let is_first = published.is_none();
            *published = published.or(Some(head));
            is_first
        });
    }

    /// Sends changes to the others, and the answers to the connection that stored them, in the
    /// order of the sequence numbers.
    ///
    /// Connections store changes concurrently, so this waits until all earlier changes are
    /// published, but at most [`limits::PUBLISH_MS`]. An earlier one is never published if storing
    /// it [failed halfway](Room::catch_up).
    pub(super) async fn publish(&self, publication: Publication) {
        let Publication {
            from,
            last,
            pages,
            answers,
        } = publication;
        if let Some(first) = pages.first() {
            let mut published = self.published.subscribe();
            let turn = published.wait_for(|published| *published >= Some(first.after));
            let _ = timeout(Duration::from_millis(limits::PUBLISH_MS), turn).await;
        }
        let last = pages.last().map(|page| page.upto).max(last);
        let pages: Arc<[Broadcast]> = pages.into_iter().map(Broadcast::new).collect();
        let members = self.members.lock();
        let mut answers = Some(answers).filter(|answers| !answers.is_empty());
        for member in members.iter() {
            if (member.peer, member.channel) != from {
                member.queue.push_pages(member.channel, &pages);
            } else if let Some(answers) = answers.take() {
                member.queue.push_answers(member.channel, answers);
            }
        }
        // Send while the members are locked, so that no later change overtakes this one.
        self.published
            .send_modify(|published| *published = last.max(*published));
    }

    /// Lets all connections read what they lack from the log. Call this if storing a change failed:
    /// the change may be stored all the same, and then nobody publishes it.
    pub(super) fn catch_up(&self) {
        for member in self.members.lock().iter() {
            member.queue.catch_up(member.channel);
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

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    const LATE: Duration = Duration::from_millis(limits::PUBLISH_MS - 1);

    fn publication(peer: u64, sequence: u64) -> Publication {
        let upto = Sequence::new(sequence);
        Publication {
            from: (ReplicaId::new(peer), Channel(0)),
            last: Some(upto),
            pages: vec![Page {
                after: upto.previous(),
                upto,
                ..Page::default()
            }],
            answers: Vec::new(),
        }
    }

    /// Returns the numbers of the pages that wait, in order.
    fn pages(queue: &Queue) -> Vec<u64> {
        let mut all = Vec::new();
        while let Some(Some(event)) = queue.try_next() {
            if let Event::Pages { pages, .. } = event {
                all.extend(pages.iter().map(|page| page.page().upto.get()));
            }
        }
        all
    }

    fn room() -> (Room, Queue) {
        let room = Room::new(Gauge::noop());
        let queue = Queue::new(Gauge::noop());
        room.enter(ReplicaId::new(9), Arc::default(), Channel(0), &queue);
        queue.follow(Channel(0));
        room.opened(Sequence::new(4));
        // Clients that open the document later change nothing.
        room.opened(Sequence::new(9));
        (room, queue)
    }

    #[tokio::test(start_paused = true)]
    async fn changes_that_are_stored_concurrently_are_sent_in_the_order_of_their_numbers() {
        let (room, queue) = room();
        let later = async {
            futures::join!(
                room.publish(publication(1, 7)),
                room.publish(publication(2, 6))
            )
        };
        let earlier = async {
            tokio::time::sleep(LATE).await;
            assert!(pages(&queue).is_empty());
            room.publish(publication(3, 5)).await;
        };
        futures::join!(later, earlier);
        assert_eq!(pages(&queue), [5, 6, 7]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_change_that_is_never_sent_delays_later_ones_only_once() {
        let (room, queue) = room();
        room.publish(publication(1, 6)).await;
        let next = room.publish(publication(1, 7));
        assert!(next.now_or_never().is_some());
        assert_eq!(pages(&queue), [6, 7]);
    }
}
