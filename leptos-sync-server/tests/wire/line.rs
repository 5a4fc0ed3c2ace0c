//! The relay's end of a connection.

use std::collections::VecDeque;

use leptos_sync_core::{
    history::{Entry, Epochs, Opening, Sequence, Witness},
    sync::{Broadcast, Channel, ClientRequest, Host, PROTOCOL, Permission, Reason, Response},
};
use leptos_sync_server::EntryAnswer;

use crate::replicas::{oracle::Oracle, relay::Relay};

/// A connection of one client, which opens one document.
#[derive(Default)]
pub(crate) struct Line {
    host: Host,
    permission: Option<Permission>,
    /// The user: the owner of the first replica with the client's disk.
    user: String,
    /// What the client had heard of before it opened the document.
    witness: Witness,
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
    pub(crate) fn new(permission: Permission, client: &str) -> Self {
        Self {
            permission: Some(permission),
            user: client.trim_end_matches('\'').to_owned(),
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
            && at < relay.head()
        {
            // A live client is not behind the horizon unless it was just forgotten.
            let Some(page) = relay.live(at) else {
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
        if oracle.faulty && oracle.rng.chance(2) {
            relay.lie(oracle);
        }
        let response = match request {
            ClientRequest::Admission { .. } => return self.host.welcome(PROTOCOL, 1, 30_000),
            ClientRequest::Open {
                channel, opening, ..
            } => {
                (self.channel, self.live, self.waiting) = (Some(channel), None, None);
                return self.open(channel, opening, None, relay, oracle);
            }
            ClientRequest::Epochs { channel, epochs } => {
                let opening = self.waiting.take().unwrap();
                return self.open(channel, opening, Some(&epochs), relay, oracle);
            }
            ClientRequest::Read { channel, after } => match relay.read(after) {
                Some(page) => {
                    if page.upto == page.state.head() {
                        self.live = Some(page.upto);
                    }
                    Response::Page { channel, page }
                }
                None => Response::BehindHorizon { channel },
            },
            ClientRequest::Range { channel, after } => {
                let range = relay.range(after);
                Response::Cells { channel, range }
            }
            ClientRequest::Offer {
                channel,
                witness,
                cells,
            } => {
                let offered = relay.offer(&self.user, &[self.witness, witness], cells, oracle);
                oracle.log(|| format!("offered by {witness:?}: {offered:?}"));
                let (all, state) = (offered.all, offered.state);
                Response::Offered {
                    channel,
                    all,
                    state,
                }
            }
            ClientRequest::Adopt { channel, heads, .. } => {
                let adopted = relay.adopt(&self.user, heads);
                oracle.log(|| format!("adopted: {adopted:?}"));
                let (heads, state) = (adopted.heads, adopted.state);
                Response::Adopted {
                    channel,
                    heads,
                    state,
                }
            }
            ClientRequest::Push { channel, entries } => {
                return self.push(channel, entries, relay, oracle);
            }
            ClientRequest::Leave { .. } => {
                (self.channel, self.live) = (None, None);
                return;
            }
            ClientRequest::Ping => Response::Pong { now_ms: 1 },
            other => panic!("{other:?}"),
        };
        self.host.send(&response);
    }

    fn open(
        &mut self,
        channel: Channel,
        opening: Opening,
        epochs: Option<&Epochs>,
        relay: &Relay,
        oracle: &mut Oracle,
    ) {
        self.witness = opening.cursor.witness;
        let Some(opened) = relay.open(&opening, epochs, oracle) else {
            self.waiting = Some(opening);
            return self.host.send(&Response::EpochsNeeded { channel });
        };
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

    fn push(
        &mut self,
        channel: Channel,
        mut entries: Vec<Entry>,
        relay: &mut Relay,
        oracle: &mut Oracle,
    ) {
        while let Some(first) = entries.first() {
            if oracle.faulty
                && oracle.rng.chance(4)
                && !first.cells.is_empty()
                && relay.follows(first)
            {
                oracle.rejected.insert(oracle.edit_of(first));
                let (id, text) = (first.id, String::new());
                entries.retain(|entry| entry.id.replica != id.replica);
                self.host.send(&Response::Reject {
                    channel,
                    id,
                    reason: Reason::Limit,
                    text,
                    window: relay.window(oracle),
                });
                continue;
            }
            let pushed = relay.push(&self.user, &mut entries, oracle);
            for answer in pushed.answers {
                oracle.log(|| format!("pushed: {answer:?}"));
                let response = self.answer(channel, answer);
                self.host.send(&response);
            }
        }
    }

    fn answer(&mut self, channel: Channel, answer: EntryAnswer) -> Response {
        match answer {
            EntryAnswer::Ack(ack) => {
                if self.live.is_some() {
                    // The client has got everything before.
                    let last = ack.first.get() + ack.count - 1;
                    self.live = Some(Sequence::new(last));
                }
                Response::Ack { channel, ack }
            }
            EntryAnswer::Gap(replica, head) => Response::Gap {
                channel,
                replica,
                head,
            },
            EntryAnswer::Reject {
                id,
                reason,
                text,
                window,
            } => Response::Reject {
                channel,
                id,
                reason,
                text,
                window,
            },
        }
    }
}
