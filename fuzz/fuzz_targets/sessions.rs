//! Two replicas and a relay, whose messages are interleaved, lost and repeated in any way. In the
//! end all are equal.
#![no_main]

use std::collections::VecDeque;

use leptos_sync_core::{Clock, Delta, Doc, ReplicaId, Time, cells::CellMap, clock::ManualTime, sync::{ClientRequest, Channel, Client, Host, ConnectionAction, Permission, Reason, Response}};
use leptos_sync_fuzz::{Handle, NOW_MS};
use libfuzzer_sys::fuzz_target;

/// A replica, and the relay's end of its connection.
struct Side {
    handle: Handle,
    client: Client<Handle>,
    channel: Channel,
    host: Host,
    there: VecDeque<Vec<u8>>,
    back: VecDeque<Vec<u8>>,
    open: Option<Channel>,
}

impl Side {
    fn new(replica: u64) -> Self {
        let handle = Handle::new(replica);
        let mut client = Client::new(Vec::new(), replica);
        let channel = client
            .open("board", 0, handle.clone())
            .expect("one document");
        Self {
            handle,
            client,
            channel,
            host: Host::new(),
            there: VecDeque::new(),
            back: VecDeque::new(),
            open: None,
        }
    }

    /// Connects if the client wants to, and queues the messages of both ends.
    fn pump(&mut self, now_ms: u64) {
        match self.client.next_action(now_ms) {
            ConnectionAction::Connect => {
                self.host = Host::new();
                self.there.clear();
                self.back.clear();
                self.open = None;
                self.client.connected(now_ms);
            }
            ConnectionAction::Disconnect => self.cut(now_ms),
            ConnectionAction::Stay => {}
        }
        while let Some(frame) = self.client.next_frame(now_ms) {
            self.there.push_back(frame);
        }
        while let Some(frame) = self.host.next_frame() {
            self.back.push_back(frame);
        }
    }

    fn cut(&mut self, now_ms: u64) {
        self.there.clear();
        self.back.clear();
        self.open = None;
        self.host = Host::new();
        self.client.disconnected(now_ms);
        self.client.hurry();
    }
}

/// The relay receives one frame of a side. `refuse` states whether it rejects pushed transactions.
fn hear(relay: &mut Doc<CellMap>, sides: &mut [Side; 2], at: usize, refuse: bool) {
    let Some(frame) = sides[at].there.pop_front() else {
        return;
    };
    let Ok(Some(ask)) = sides[at].host.receive(&frame) else {
        return;
    };
    match ask {
        ClientRequest::Admission { protocol, .. } => sides[at].host.welcome(protocol, NOW_MS, 30_000),
        ClientRequest::Open {
            channel, version, ..
        } => {
            sides[at].open = Some(channel);
            let opened = Response::Opened {
                channel,
                permission: Permission::Write,
                version: relay.version().clone(),
                floor: Time::ZERO,
                now_ms: NOW_MS,
            };
            sides[at].host.send(&opened);
            if !version.covers(relay.version()) {
                let delta = relay.delta_since(&version).expect("nothing is forgotten");
                let more = false;
                sides[at].host.send(&Response::Delta {
                    channel,
                    more,
                    delta,
                });
            }
        }
        ClientRequest::Push { channel, deltas, .. } => {
            for delta in deltas {
                push(relay, sides, at, channel, delta, refuse);
            }
        }
        ClientRequest::Part { .. }
        | ClientRequest::RefusedParts { .. }
        | ClientRequest::Presence { .. }
        | ClientRequest::Leave { .. }
        | ClientRequest::Ping => {}
    }
}

fn push(
    relay: &mut Doc<CellMap>,
    sides: &mut [Side; 2],
    at: usize,
    channel: Channel,
    delta: Delta,
    refuse: bool,
) {
    let upto = delta.upto().clone();
    let reason = if !relay.version().covers(delta.after()) {
        Some(Reason::Gap)
    } else if refuse && !relay.version().covers(&upto) {
        let claim = Delta::collect(delta.after().clone(), upto.clone(), |_| {});
        relay
            .apply(&claim.expect("no cells"))
            .expect("it follows what is there");
        Some(Reason::Forbidden)
    } else {
        None
    };
    if let Some(reason) = reason {
        let text = String::new();
        sides[at].host.send(&Response::Reject {
            channel,
            upto,
            reason,
            text,
        });
        return;
    }
    relay.apply(&delta).expect("it follows what is there");
    sides[at].host.send(&Response::Ack { channel, upto });
    let other = &mut sides[1 - at];
    if let Some(channel) = other.open {
        let more = false;
        other.host.send(&Response::Delta {
            channel,
            more,
            delta,
        });
    }
}

fuzz_target!(|bytes: &[u8]| {
    let clock = Clock::new(ReplicaId::new(99), ManualTime::at(NOW_MS));
    let mut relay = Doc::<CellMap>::new(clock);
    let mut sides = [Side::new(1), Side::new(2)];
    let mut now_ms = 0;
    for &byte in bytes {
        now_ms += 1;
        let at = usize::from(byte & 1);
        let side = &mut sides[at];
        match byte >> 1 & 7 {
            0 | 1 => {
                side.handle.edit(u32::from(byte >> 4 & 3), byte >> 4);
                side.client.edited(side.channel);
            }
            2 | 3 => hear(&mut relay, &mut sides, at, byte >> 4 == 15),
            4 | 5 => {
                if let Some(frame) = side.back.pop_front() {
                    side.client.receive(&frame, now_ms);
                }
            }
            6 => match byte >> 4 & 3 {
                0 => drop(side.there.pop_front()),
                1 => drop(side.back.pop_front()),
                2 => side.there.extend(side.there.front().cloned()),
                _ => side.back.extend(side.back.front().cloned()),
            },
            _ => side.cut(now_ms),
        }
        sides.iter_mut().for_each(|side| side.pump(now_ms));
        for side in &sides {
            side.handle.0.borrow().doc.assert_invariants();
        }
    }
    // From now on, the network works: a new connection on which every frame arrives.
    sides.iter_mut().for_each(|side| side.cut(now_ms));
    for _ in 0..2_000 {
        now_ms += 1;
        sides.iter_mut().for_each(|side| side.pump(now_ms));
        for at in 0..2 {
            hear(&mut relay, &mut sides, at, false);
            if let Some(frame) = sides[at].back.pop_front() {
                sides[at].client.receive(&frame, now_ms);
            }
        }
    }
    let cells = |state: &Handle| {
        let this = state.0.borrow();
        assert!(this.outbox.is_empty(), "all has an answer");
        let snapshot = this.doc.snapshot().expect("a document can be written");
        let loaded = Doc::<CellMap>::load(&snapshot, relay.clock().clone());
        loaded.state().clone()
    };
    assert_eq!(cells(&sides[0].handle), *relay.state());
    assert_eq!(cells(&sides[1].handle), *relay.state());
});
