//! A client with its replica and its connection.

use leptos_sync_core::sync::{Client, ConnectionAction, Permission};

use super::{handle::Handle, line::Line};
use crate::replicas::{
    disk::Disk,
    oracle::{Oracle, visible},
    relay::{Relay, UNIT_MS, ms},
};

pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) handle: Handle,
    client: Client<Handle>,
    pub(crate) line: Option<Line>,
    pub(crate) permission: Permission,
    pub(crate) skew: i64,
    /// Whether a frame has arrived since the last check.
    unchecked: bool,
}

impl Peer {
    pub(crate) fn new(name: &str, disk: Disk, seed: u64) -> Self {
        let handle = Handle::new(disk);
        let mut client = Client::new(Vec::new(), seed);
        client.open("board", 0, handle.clone()).unwrap();
        Self {
            name: name.to_owned(),
            handle,
            client,
            line: None,
            permission: Permission::Write,
            skew: 0,
            unchecked: false,
        }
    }

    /// Cuts the connection. Frames on their way are lost.
    pub(crate) fn cut(&mut self, oracle: &Oracle) {
        self.line = None;
        self.client.disconnected(now_ms(oracle));
        self.handle.0.borrow_mut().replica.end_session();
    }

    pub(crate) fn set_time(&self, oracle: &Oracle) {
        let now = ms(oracle.now + self.skew);
        self.handle.0.borrow().time.set(now);
    }

    /// Sends what was edited.
    pub(crate) fn edited(&mut self, oracle: &Oracle) {
        self.client.edited(leptos_sync_core::sync::Channel(0));
        self.collect(oracle);
    }

    pub(crate) fn hurry(&mut self) {
        self.client.hurry();
    }

    fn collect(&mut self, oracle: &Oracle) {
        while let Some(frame) = self.client.next_frame(now_ms(oracle)) {
            if let Some(line) = &mut self.line {
                line.to_relay.push_back(frame);
            }
        }
    }

    /// Lets a frame arrive in each direction, and connects if it is time to. Returns whether the
    /// relay may have changed.
    pub(crate) fn step(&mut self, relay: &mut Relay, oracle: &mut Oracle) -> bool {
        self.set_time(oracle);
        let now = now_ms(oracle);
        self.client.wake(now);
        match self.client.next_action(now) {
            ConnectionAction::Connect => {
                self.client.connected(now);
                self.line = Some(Line::new(self.permission, &self.name));
            }
            ConnectionAction::Disconnect => {
                let (reason, text) = self.client.ended().unwrap();
                oracle.log(|| format!("{} ends: {reason} {text}", self.name));
                assert_ne!(reason, leptos_sync_core::sync::Reason::Malformed, "{text}");
                self.cut(oracle);
            }
            ConnectionAction::Stay => {}
        }
        self.collect(oracle);
        let Some(line) = &mut self.line else {
            return false;
        };
        let head = relay.db.sequence;
        line.receive(relay, oracle);
        if let Some(frame) = line.to_client.pop_front() {
            self.hear(&frame, oracle);
            self.unchecked = true;
        }
        self.collect(oracle);
        relay.db.sequence != head
    }

    /// Handles a frame, and checks what the outbox loses.
    fn hear(&mut self, frame: &[u8], oracle: &mut Oracle) {
        let before = oracle.edits_of(self.handle.0.borrow().replica.entries());
        self.client.receive(frame, now_ms(oracle));
        let mut this = self.handle.0.borrow_mut();
        for (path, cell, known) in std::mem::take(&mut this.inferred) {
            oracle.log(|| format!("{} infers a removal at {path:?}", self.name));
            oracle.note_inferred(&path, cell.0, &known);
        }
        for (reason, text) in std::mem::take(&mut this.closed) {
            oracle.log(|| format!("{} is closed: {reason} {text}", self.name));
            let failed = std::mem::take(&mut this.failed);
            let is_fault = reason == leptos_sync_core::sync::Reason::Other;
            assert!(failed || !is_fault, "{text}");
        }
        let entries = this.replica.entries();
        oracle.check_contained(&before, entries, &self.name);
        entries
            .iter()
            .for_each(|one| oracle.note_stamps(one.entry()));
    }

    /// Returns whether nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.line.as_ref().is_none_or(Line::is_quiet)
    }

    /// Returns whether everything is done.
    pub(crate) fn rests(&self) -> bool {
        self.is_quiet() && self.is_synced()
    }

    pub(crate) fn is_synced(&self) -> bool {
        let live = self.line.as_ref().is_some_and(Line::is_live);
        live && self.handle.0.borrow().replica.is_synced()
    }

    /// Checks that a document that says so shows what the relay has.
    pub(crate) fn check_synced(&mut self, relay: &Relay) {
        if std::mem::take(&mut self.unchecked) && self.is_quiet() && self.is_synced() {
            let shown = visible(&self.handle.0.borrow().joined());
            let stored = visible(&relay.cells());
            assert_eq!(shown, stored, "FALSELY SYNCED {}", self.name);
        }
    }
}

fn now_ms(oracle: &Oracle) -> u64 {
    (oracle.now * UNIT_MS) as u64
}
