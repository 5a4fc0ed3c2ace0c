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

/// The exchange of one document.
pub(super) struct Exchange<D> {
    pub(super) document: D,
    pub(super) name: String,
    pub(super) schema: u64,
    pub(super) stage: Stage,
    /// The latest presence of this replica, to be sent again on a new connection.
    pub(super) presence: Option<Vec<u8>>,
    /// The version in the last open request.
    asked: VersionVector,
    /// The operations that the relay has, including those pushed on this connection.
    sent: VersionVector,
    /// The window to pass to the document once it has caught up.
    behind: Option<Window>,
    /// The pushed transactions without an answer: the version to which each leads, and its size in
    /// bytes.
    in_flight: Vec<(VersionVector, usize)>,
    /// The deltas without cells that were not sent, by the versions before and after them.
    skipped: Vec<(VersionVector, VersionVector)>,
    parts: Parts,
    snapshots: SnapshotParts,
    /// The time at which to reopen a document that the relay has closed temporarily.
    pub(super) again_at: Option<u64>,
    /// The number of consecutive restarts without success.
    tries: u32,
    /// The transactions that were rejected for their stamps since the relay last accepted one.
    untimely: Vec<VersionVector>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The document was not opened on this connection.
    Closed,
    /// The open request is sent; the relay has not answered.
    Opening,
    Open,
    /// The relay has rejected the document. Opening it again would fail for the same reason.
    Refused,
    /// The connection has as many documents open as the relay allows. The client opens this one as
    /// soon as it leaves another.
    NoRoom,
}

/// The number of consecutive restarts without a delay. Clock jumps and lost frames cause one or
/// two.
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
            skipped: Vec::new(),
            parts: Parts::default(),
            snapshots: SnapshotParts::default(),
            again_at: None,
            tries: 0,
            untimely: Vec::new(),
        }
    }

    /// Resets the state after the connection or the exchange has ended.
    pub(super) fn reset(&mut self, stage: Stage) {
        self.stage = stage;
        self.in_flight.clear();
        self.skipped.clear();
        self.parts = Parts::default();
        self.snapshots = SnapshotParts::default();
        self.again_at = None;
        self.behind = None;
    }

    /// Returns the request that opens the document at its version.
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

    /// Handles the relay's answer to an open request.
    pub(super) fn opened(
        &mut self,
        permission: Permission,
        version: VersionVector,
        floor: Time,
        now_ms: u64,
    ) -> Result<(), Error> {
        self.stage = Stage::Open;
        let window = Window {
            floor,
            now_ms,
            latest: version.latest(),
        };
        self.document.set_permission(permission);
        self.document.opened(window);
        self.behind = Some(window);
        let lacks = !self.asked.covers(&version);
        // Treat operations that both contain as acknowledged, since the answer may have been lost.
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

    /// Handles the end of the operations that the document lacked.
    fn caught_up(&mut self) -> Result<(), Error> {
        match self.behind.take() {
            Some(window) => self.document.caught_up(window),
            None => Ok(()),
        }
    }

    /// Sends the next transactions that the relay lacks, within the limit on unanswered ones.
    pub(super) fn push(
        &mut self,
        channel: Channel,
        send: &mut dyn FnMut(Request),
    ) -> Result<(), Error> {
        // Operations of known replicas that arrived since the open request came from other tabs.
        // The relay has them, or receives them from those tabs.
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
            for mut delta in pending {
                if !self.has_room() {
                    break;
                }
                self.sent.join(delta.upto());
                if delta.is_empty() {
                    self.skip(&delta);
                    continue;
                }
                // The relay does not have what was skipped, so the delta follows what it has.
                let mut skipped = self.skipped.iter();
                if let Some((after, _)) = skipped.find(|(_, upto)| upto == delta.after()) {
                    delta.set_after(after.clone());
                }
                let size = of_delta(&delta);
                self.in_flight.push((delta.upto().clone(), size));
                bytes += size;
                if bytes > limits::TRANSACTION_BYTES && !deltas.is_empty() {
                    let deltas = mem::take(&mut deltas);
                    send(Request::Push { channel, deltas });
                    bytes = size;
                }
                if size <= limits::TRANSACTION_BYTES && delta.len() <= limits::TRANSACTION_CELLS {
                    deltas.push(delta);
                    continue;
                }
                // A delta larger than a transaction is sent in at least two parts, and the relay
                // accepts it as a whole.
                let part = limits::TRANSACTION_BYTES.min(delta.bytes()) / 2;
                for delta in delta.split(part)? {
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

    /// Skips a delta without cells, such as that of a rolled back transaction. The relay needs
    /// nothing of it, and would reject it again if the user may not write.
    fn skip(&mut self, delta: &Delta) {
        let versions = (delta.after().clone(), delta.upto().clone());
        self.document.acknowledged(&versions.1);
        self.skipped.push(versions);
    }

    fn has_room(&self) -> bool {
        let bytes: usize = self.in_flight.iter().map(|(_, bytes)| bytes).sum();
        bytes < limits::IN_FLIGHT_BYTES && self.in_flight.len() < limits::IN_FLIGHT
    }

    /// Handles operations of other replicas, or a part of them.
    pub(super) fn receive(&mut self, more: bool, delta: Delta) -> Result<(), Error> {
        if more {
            return self.parts.add(delta, 0);
        }
        let whole = self.parts.end(delta)?;
        self.document.receive(&whole)?;
        // The relay has the operations that it sends.
        self.sent.join(whole.upto());
        self.tries = 0;
        self.caught_up()
    }

    /// Handles the relay's state, or a part of it.
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
        // If the clock stays wrong, the next transaction may get a stamp that an earlier one had,
        // so clear the list.
        self.untimely.clear();
        self.document.acknowledged(upto);
    }

    /// Handles a rejection. Returns whether to restart the exchange.
    pub(super) fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) -> bool {
        self.in_flight.retain(|(sent, _)| sent != upto);
        let again = match reason.concerns_time() {
            // The transaction still has the stamp that was rejected, so it cannot be restamped.
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

    /// Returns whether to restart the exchange immediately; otherwise, restart it after a delay.
    pub(super) fn begins_at_once(&mut self) -> bool {
        self.tries += 1;
        self.tries <= TRIES
    }
}
