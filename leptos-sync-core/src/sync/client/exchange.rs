use std::mem;

use super::Document;
use crate::{
    clock::{Time, Window},
    delta::{Delta, Snapshot},
    error::Error,
    limits,
    sync::{
        message::{Channel, Permission, Reason, Request},
        parts::{Parts, SnapshotParts, of_delta},
    },
    version::VersionVector,
};

/// One document on its way.
pub(super) struct Exchange<D> {
    pub(super) document: D,
    pub(super) name: String,
    pub(super) schema: u64,
    pub(super) stage: Stage,
    /// What was told of this replica's presence last, to be told again on a new connection.
    pub(super) presence: Option<Vec<u8>>,
    /// The version that the document was asked for from.
    asked: VersionVector,
    /// What the relay has, and what was pushed on this connection.
    sent: VersionVector,
    /// What is to be told to the document once what it lacks has come.
    behind: Option<Window>,
    /// Pushed and not answered: the version it leads to, and its bytes.
    in_flight: Vec<(VersionVector, usize)>,
    parts: Parts,
    snapshots: SnapshotParts,
    /// When to ask again for a document that the relay has closed for a while.
    pub(super) again_at: Option<u64>,
    /// Times in a row that the exchange began anew, and to no avail.
    tries: u32,
    /// What was refused for its time since the relay has taken something.
    untimely: Vec<VersionVector>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not asked for on this connection.
    Closed,
    /// Asked for.
    Opening,
    Open,
    /// The relay does not exchange it, and asking again is of no use by itself.
    Refused,
    /// The connection has as many documents open as the relay allows. It is asked for again once another is left.
    NoRoom,
}

/// Times in a row that an exchange begins anew at once: clocks that jump and frames that get lost take one or two.
const TRIES: u32 = 8;

impl<D: Document> Exchange<D> {
    pub(super) fn new(name: String, schema: u64, document: D) -> Self {
        Self {
            document,
            name,
            schema,
            stage: Stage::Closed,
            presence: None,
            asked: VersionVector::new(),
            sent: VersionVector::new(),
            behind: None,
            in_flight: Vec::new(),
            parts: Parts::default(),
            snapshots: SnapshotParts::default(),
            again_at: None,
            tries: 0,
            untimely: Vec::new(),
        }
    }

    /// The connection is gone, or the document on it: what was said on it counts no more.
    pub(super) fn reset(&mut self, stage: Stage) {
        self.stage = stage;
        self.in_flight.clear();
        self.parts = Parts::default();
        self.snapshots = SnapshotParts::default();
        self.again_at = None;
        self.behind = None;
    }

    /// Asks for the document, from where it stands.
    pub(super) fn open(&mut self, channel: Channel) -> Request {
        self.reset(Stage::Opening);
        self.asked = self.document.version();
        Request::Open {
            channel,
            document: self.name.clone(),
            schema: self.schema,
            version: self.asked.clone(),
        }
    }

    /// The relay has opened it.
    pub(super) fn opened(
        &mut self,
        permission: Permission,
        version: VersionVector,
        floor: Time,
        now_ms: u64,
    ) -> Result<(), Error> {
        self.stage = Stage::Open;
        let window = Window { floor, now_ms };
        self.document.set_permission(permission);
        self.document.opened(window);
        self.behind = Some(window);
        let lacks = !self.asked.covers(&version);
        // What both contain needs no answer, which may have been lost.
        let mut both = VersionVector::new();
        for (replica, time) in self.asked.iter() {
            both.include(replica, time.min(version.get(replica)));
        }
        self.document.acknowledged(&both);
        self.sent = version;
        match lacks {
            true => Ok(()),
            false => self.caught_up(),
        }
    }

    /// What the document lacked has come.
    fn caught_up(&mut self) -> Result<(), Error> {
        match self.behind.take() {
            Some(window) => self.document.caught_up(window),
            None => Ok(()),
        }
    }

    /// The next messages of transactions that the relay lacks, as far as it may be pushed to without an answer.
    pub(super) fn push(
        &mut self,
        channel: Channel,
        send: &mut dyn FnMut(Request),
    ) -> Result<(), Error> {
        // What has come since the document was opened, of somebody whom the relay knows, it has by then or is told by that one.
        for (replica, time) in self.document.version().beyond(&self.asked).iter() {
            if self.sent.get(replica) > Time::ZERO {
                self.sent.include(replica, time);
            }
        }
        while self.stage == Stage::Open && self.behind.is_none() && self.has_room() {
            let pending = self.document.pending(&self.sent)?;
            if pending.is_empty() {
                return Ok(());
            }
            let mut deltas = Vec::new();
            let mut bytes = 0;
            for delta in pending {
                if !self.has_room() {
                    break;
                }
                let size = of_delta(&delta);
                self.sent.join(delta.upto());
                self.in_flight.push((delta.upto().clone(), size));
                bytes += size;
                if bytes > limits::TRANSACTION_BYTES && !deltas.is_empty() {
                    let deltas = mem::take(&mut deltas);
                    send(Request::Push { channel, deltas });
                    bytes = size;
                }
                if size <= limits::TRANSACTION_BYTES {
                    deltas.push(delta);
                    continue;
                }
                // Larger than any transaction: it is sent in parts, and is one all the same.
                for delta in delta.split(limits::TRANSACTION_BYTES / 2)? {
                    if let Some(delta) = deltas.pop() {
                        send(Request::Part { channel, delta });
                    }
                    deltas.push(delta);
                }
            }
            if !deltas.is_empty() {
                send(Request::Push { channel, deltas });
            }
        }
        Ok(())
    }

    fn has_room(&self) -> bool {
        let bytes: usize = self.in_flight.iter().map(|(_, bytes)| bytes).sum();
        bytes < limits::IN_FLIGHT_BYTES && self.in_flight.len() < limits::IN_FLIGHT
    }

    /// Others' operations have come, or a part of them.
    pub(super) fn receive(&mut self, more: bool, delta: Delta) -> Result<(), Error> {
        if more {
            return self.parts.add(delta, 0);
        }
        let whole = self.parts.end(delta)?;
        self.document.receive(&whole)?;
        // The relay has what it sends.
        self.sent.join(whole.upto());
        self.tries = 0;
        self.caught_up()
    }

    /// The relay's state has come, or a part of it.
    pub(super) fn receive_snapshot(&mut self, more: bool, part: Snapshot) -> Result<(), Error> {
        self.snapshots.add(part)?;
        if more {
            return Ok(());
        }
        let parts = self.snapshots.end();
        self.document.receive_snapshot(&parts)?;
        if let Some(last) = parts.last() {
            self.sent.join(last.version());
        }
        self.caught_up()
    }

    pub(super) fn acknowledged(&mut self, upto: &VersionVector) {
        self.in_flight.retain(|(sent, _)| !upto.covers(sent));
        self.tries = 0;
        // Under a clock that stays wrong, the next transaction may have the stamp that an earlier one had at first.
        self.untimely.clear();
        self.document.acknowledged(upto);
    }

    /// A transaction was refused. Returns whether to begin the exchange anew.
    pub(super) fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) -> bool {
        self.in_flight.retain(|(sent, _)| sent != upto);
        let again = match reason.is_of_time() {
            // What was not stamped anew cannot be.
            true if self.untimely.contains(upto) => false,
            true => {
                self.untimely.push(upto.clone());
                true
            }
            false => reason == Reason::Gap,
        };
        if !again {
            self.document.rejected(upto, reason, text);
        }
        again
    }

    /// Whether to begin the exchange anew at once, or after a while.
    pub(super) fn begins_at_once(&mut self) -> bool {
        self.tries += 1;
        self.tries <= TRIES
    }
}
