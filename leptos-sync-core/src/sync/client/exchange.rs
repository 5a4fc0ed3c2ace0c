use std::{collections::VecDeque, mem};

use super::Document;
use crate::{
    clock::{Time, Window},
    delta::{Delta, Snapshot},
    error::Error,
    limits,
    sync::{
        message::{Channel, Permission, Reason, Request},
        parts::Parts,
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
    /// What the relay has, and what was pushed on this connection.
    sent: VersionVector,
    /// Pushed and not answered: the version it leads to, and its bytes.
    in_flight: VecDeque<(VersionVector, usize)>,
    parts: Parts,
    snapshots: Vec<Snapshot>,
    /// When to ask again for a document that the relay has closed for a while.
    pub(super) again_at: Option<u64>,
    /// Times that the relay refused stamps which had just been put into its window.
    refused: u32,
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
}

/// Times that transactions are stamped anew in a row before they count as refused for good: clocks that jump take one or
/// two.
const RESTAMPS: u32 = 8;

impl<D: Document> Exchange<D> {
    pub(super) fn new(name: String, schema: u64, document: D) -> Self {
        Self {
            document,
            name,
            schema,
            stage: Stage::Closed,
            presence: None,
            sent: VersionVector::new(),
            in_flight: VecDeque::new(),
            parts: Parts::default(),
            snapshots: Vec::new(),
            again_at: None,
            refused: 0,
        }
    }

    /// The connection is gone, or the document on it: what was said on it counts no more.
    pub(super) fn reset(&mut self, stage: Stage) {
        self.stage = stage;
        self.in_flight.clear();
        self.parts = Parts::default();
        self.snapshots.clear();
        self.again_at = None;
    }

    /// Asks for the document, from where it stands.
    pub(super) fn open(&mut self, channel: Channel) -> Request {
        self.reset(Stage::Opening);
        Request::Open {
            channel,
            document: self.name.clone(),
            schema: self.schema,
            version: self.document.version(),
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
        self.document.opened(permission, &version, window)?;
        self.sent = version;
        Ok(())
    }

    /// The next messages of transactions that the relay lacks, as far as it may be pushed to without an answer.
    pub(super) fn push(
        &mut self,
        channel: Channel,
        mut send: impl FnMut(Request),
    ) -> Result<(), Error> {
        while self.stage == Stage::Open && self.has_room() {
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
                let size = size(&delta);
                if !deltas.is_empty() && bytes + size > limits::TRANSACTION_BYTES {
                    let deltas = mem::take(&mut deltas);
                    send(Request::Push { channel, deltas });
                    bytes = 0;
                }
                bytes += size;
                self.sent.join(delta.upto());
                self.in_flight.push_back((delta.upto().clone(), size));
                if size > limits::TRANSACTION_BYTES {
                    // Larger than any transaction: it is sent in parts, and is one all the same.
                    bytes = 0;
                    let mut parts = delta.split(limits::TRANSACTION_BYTES / 2)?;
                    let last = parts.pop();
                    parts
                        .into_iter()
                        .for_each(|delta| send(Request::Part { channel, delta }));
                    let deltas = last.into_iter().collect();
                    send(Request::Push { channel, deltas });
                } else {
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
        self.document.receive(&whole)
    }

    /// The relay's state has come, or a part of it.
    pub(super) fn receive_snapshot(&mut self, more: bool, part: Snapshot) -> Result<(), Error> {
        let bytes = self.snapshots.iter().map(Snapshot::bytes).sum::<usize>();
        if bytes + part.bytes() > limits::PARTS_BYTES {
            return Err(Error::limit(
                "the relay's state is too large for one document",
            ));
        }
        self.snapshots.push(part);
        if more {
            return Ok(());
        }
        let parts = mem::take(&mut self.snapshots);
        self.document.receive_snapshot(&parts)
    }

    pub(super) fn acknowledged(&mut self, upto: &VersionVector) {
        self.in_flight.retain(|(sent, _)| !upto.covers(sent));
        self.refused = 0;
        self.document.acknowledged(upto);
    }

    /// A transaction was refused. Returns whether to begin the exchange anew.
    pub(super) fn rejected(&mut self, upto: &VersionVector, reason: Reason, text: &str) -> bool {
        self.in_flight.retain(|(sent, _)| sent != upto);
        let again = match reason {
            Reason::Gap => true,
            reason if reason.is_of_time() => {
                self.refused += 1;
                self.refused <= RESTAMPS
            }
            _ => false,
        };
        if !again {
            self.document.rejected(upto, reason, text);
        }
        again
    }
}

/// Bytes of a delta in a message, not less than it will be.
fn size(delta: &Delta) -> usize {
    let entries = delta.after().len() + delta.upto().len();
    delta.bytes() + 24 * entries + 64
}
