//! The relay's end of a connection, in front of the model of a relay.

use std::collections::VecDeque;

use leptos_sync_core::{
    Time,
    clock::Window,
    history::{Ack, Entry, Epochs, IdHead, Opening, Sequence},
    sync::{Broadcast, Channel, ClientRequest, Host, PROTOCOL, Permission, Reason, Response},
};

use crate::replicas::{
    oracle::Oracle,
    push::Pushed,
    relay::{Relay, ms},
};

/// A connection of one client, which opens one document.
#[derive(Default)]
pub(crate) struct Line {
    host: Host,
    permission: Option<Permission>,
    /// The opening that waits for the client's epochs.
    waiting: Option<Opening>,
    channel: Option<Channel>,
    /// The number up to which the client has got pages, once its channel is live.
    live: Option<Sequence>,
    /// The frames on their way, in both directions.
    pub(crate) to_relay: VecDeque<Vec<u8>>,
    pub(crate) to_client: VecDeque<Vec<u8>>,
}

impl Line {
    pub(crate) fn new(permission: Permission, _client: &str) -> Self {
        Self {
            permission: Some(permission),
            ..Self::default()
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.live.is_some()
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.to_relay.is_empty() && self.to_client.is_empty()
    }

    /// Sends to a live client what has changed.
    pub(crate) fn publish(&mut self, relay: &Relay) {
        while let (Some(at), Some(channel)) = (self.live, self.channel)
            && at < relay.state().witness.head.sequence
        {
            // A live client is not behind the horizon unless it was just forgotten.
            let Some(page) = relay.read(at) else {
                self.live = None;
                break;
            };
            self.live = Some(page.upto);
            self.host.broadcast(channel, &Broadcast::new(page));
        }
        self.flush();
    }

    fn flush(&mut self) {
        while let Some(frame) = self.host.next_frame() {
            self.to_client.push_back(frame);
        }
    }

    /// Handles the next frame of the client, if there is one.
    pub(crate) fn receive(&mut self, relay: &mut Relay, oracle: &mut Oracle) {
        let Some(frame) = self.to_relay.pop_front() else {
            return;
        };
        let request = self.host.receive(&frame).unwrap();
        if let Some(request) = request {
            self.handle(request, relay, oracle);
        }
        self.flush();
    }

    fn handle(&mut self, request: ClientRequest, relay: &mut Relay, oracle: &mut Oracle) {
        match request {
            ClientRequest::Admission { .. } => self.host.welcome(PROTOCOL, 1, 30_000),
            ClientRequest::Open {
                channel, opening, ..
            } => {
                self.channel = Some(channel);
                self.live = None;
                self.waiting = None;
                if !knows_epochs(relay, &opening) {
                    self.waiting = Some(opening);
                    return self.host.send(&Response::EpochsNeeded { channel });
                }
                self.open(channel, &opening, &Epochs::new(), relay, oracle);
            }
            ClientRequest::Epochs { channel, epochs } => {
                let opening = self.waiting.take().unwrap();
                self.open(channel, &opening, &epochs, relay, oracle);
            }
            ClientRequest::Read { channel, after } => match relay.read(after) {
                Some(page) => {
                    if page.upto == page.state.witness.head.sequence {
                        self.live = Some(page.upto);
                    }
                    self.host.send(&Response::Page { channel, page });
                }
                None => self.host.send(&Response::BehindHorizon { channel }),
            },
            ClientRequest::Range { channel, after } => {
                let range = relay.range(after.as_ref());
                self.host.send(&Response::Cells { channel, range });
            }
            ClientRequest::Offer {
                channel,
                witness,
                cells,
            } => {
                let (all, state) = relay.offer(&cells, witness, oracle);
                self.host.send(&Response::Offered {
                    channel,
                    all,
                    state,
                });
            }
            ClientRequest::Adopt { channel, heads, .. } => {
                let (heads, state) = relay.adopt(&heads);
                self.host.send(&Response::Adopted {
                    channel,
                    heads,
                    state,
                });
            }
            ClientRequest::Push { channel, entries } => {
                self.push(channel, &entries, relay, oracle);
            }
            ClientRequest::Leave { .. } => {
                self.channel = None;
                self.live = None;
            }
            ClientRequest::Ping => self.host.send(&Response::Pong { now_ms: 1 }),
            other => panic!("{other:?}"),
        }
    }

    fn open(
        &mut self,
        channel: Channel,
        opening: &Opening,
        epochs: &Epochs,
        relay: &Relay,
        oracle: &mut Oracle,
    ) {
        let opened = relay.open(opening, epochs, oracle);
        oracle.log(|| format!("opened {opening:?}: {opened:?}"));
        // The client cannot tell cells that the relay lost from cells whose removal the relay has
        // forgotten, and brings back both.
        oracle.was_old |= opened.diverged && opened.point < opened.horizon;
        oracle.floor = oracle.floor.max(opened.floor);
        self.host.send(&Response::Opened {
            channel,
            permission: self.permission.unwrap_or(Permission::Write),
            opened,
        });
    }

    /// Takes entries in order. Acknowledges those that follow each other at once.
    fn push(
        &mut self,
        channel: Channel,
        entries: &[Entry],
        relay: &mut Relay,
        oracle: &mut Oracle,
    ) {
        let mut stopped = Vec::new();
        let mut taken: Option<Ack> = None;
        let merges = oracle.rng.chance(50);
        for entry in entries {
            if stopped.contains(&entry.id.replica) {
                continue;
            }
            let head = relay.db.heads.get(&entry.id.replica).copied();
            let answer = relay.push(std::slice::from_ref(entry), oracle).remove(0);
            oracle.log(|| format!("pushed {:?} at {:?}: {answer:?}", entry.id, entry.time));
            if let Pushed::Ack(ack) = answer {
                let follows = |last: &&mut Ack| {
                    merges
                        && last.id.replica == ack.id.replica
                        && last.id.number + last.count == ack.id.number
                };
                match taken.as_mut().filter(follows) {
                    Some(last) => {
                        last.count += 1;
                        last.state = ack.state;
                    }
                    None => {
                        self.acknowledge(channel, taken.replace(ack));
                    }
                }
                continue;
            }
            stopped.push(entry.id.replica);
            self.acknowledge(channel, taken.take());
            let response = refusal(
                channel,
                entry,
                answer,
                head.unwrap_or_default(),
                relay,
                oracle,
            );
            self.host.send(&response);
        }
        self.acknowledge(channel, taken);
    }

    fn acknowledge(&mut self, channel: Channel, ack: Option<Ack>) {
        let Some(ack) = ack else { return };
        if self.live.is_some() {
            // The client has got everything before.
            let last = ack.first.get() + ack.count - 1;
            self.live = Some(Sequence::new(last));
        }
        self.host.send(&Response::Ack { channel, ack });
    }
}

fn refusal(
    channel: Channel,
    entry: &Entry,
    answer: Pushed,
    head: IdHead,
    relay: &Relay,
    oracle: &Oracle,
) -> Response {
    let now_ms = ms(relay.now(oracle));
    let mut window = Window {
        floor: relay.db.floor,
        now_ms,
        latest: relay.db.latest,
    };
    let (id, reason) = match answer {
        Pushed::Time(id, from) if from == Time::from_ms(now_ms) => (id, Reason::Drift),
        Pushed::Time(id, from) => {
            window.floor = from;
            (id, Reason::TooOld)
        }
        Pushed::Rejected(id) => (id, Reason::Limit),
        Pushed::Gap | Pushed::Ack(_) => {
            return Response::Gap {
                channel,
                replica: entry.id.replica,
                head,
            };
        }
    };
    Response::Reject {
        channel,
        id,
        reason,
        text: String::new(),
        window,
    }
}

/// Returns whether the relay knows the epochs of a cursor.
fn knows_epochs(relay: &Relay, opening: &Opening) -> bool {
    let known = relay.db.epochs.list();
    let cursor = opening.cursor;
    [cursor.position, cursor.witness.head].iter().all(|at| {
        at.sequence == Sequence::ZERO || known.iter().any(|(epoch, _)| *epoch == at.epoch)
    })
}
