use crate::{
    clock::Time,
    error::Error,
    history::{Ack, Entry, EntryHash, EntryId, IdHead, TabEntry},
    id::ReplicaId,
    limits,
    sync::message::{
        Message, Reason,
        fields::{Fields, Writer},
    },
};

/// A message between the tabs of one browser about a document, with or without a relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TabMessage {
    /// The document's name.
    pub document: String,
    /// The kind of the message, with its content.
    pub kind: TabMessageKind,
}

/// The kinds of [`TabMessage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TabMessageKind {
    /// A transaction that the sender made, with what it replaced.
    Edit(TabEntry),
    /// A request for what the other tabs know.
    OutboxRequest {
        /// A random number of the sender, which the answers repeat.
        asker: u64,
        /// The last entry of each id that the sender knows.
        known: Vec<(ReplicaId, IdHead)>,
    },
    /// The answer to a request. A tab sends it even if the asker lacks nothing, so that the asker
    /// knows that there is another tab.
    Outbox {
        /// The number in the request.
        asker: u64,
        /// The entries of the sender's outbox that the asker lacks.
        entries: Vec<TabEntry>,
        /// The last entry of each id that has left the sender's outbox, if the asker lacks it.
        heads: Vec<(ReplicaId, IdHead)>,
    },
    /// Entries with new stamps, under their old numbers.
    Restamp(Vec<TabEntry>),
    /// An entry that the relay has rejected, which is empty now.
    Reject {
        /// The entry.
        id: EntryId,
        /// The reason, as a code.
        reason: Reason,
        /// The reason, as a sentence.
        text: String,
    },
    /// Entries that the relay has acknowledged.
    Ack(Ack),
    /// Entries that belong to another id now, because the memory of their page was copied.
    Move(Vec<EntryId>),
    /// The sender has deleted the document from the storage.
    Discarded,
}

const EDIT: u8 = 65;
const OUTBOX_REQUEST: u8 = 66;
const OUTBOX: u8 = 67;
const RESTAMP: u8 = 68;
const REJECT: u8 = 69;
const ACK: u8 = 70;
const MOVE: u8 = 71;
const DISCARDED: u8 = 72;

impl TabMessage {
    /// Encodes the message. O(bytes).
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Message::encode(self, cfg!(feature = "deflate"), &mut bytes);
        bytes
    }

    /// Decodes a message.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_limit`] or [`Error::is_unsupported`] if `bytes` are not a
    /// message. The sender is probably a tab of another build.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Message::decode(bytes)
    }
}

impl Message for TabMessage {
    fn encode(&self, deflate: bool, out: &mut Vec<u8>) {
        let mut out = Writer { out, deflate };
        out.byte(match &self.kind {
            TabMessageKind::Edit(_) => EDIT,
            TabMessageKind::OutboxRequest { .. } => OUTBOX_REQUEST,
            TabMessageKind::Outbox { .. } => OUTBOX,
            TabMessageKind::Restamp(_) => RESTAMP,
            TabMessageKind::Reject { .. } => REJECT,
            TabMessageKind::Ack(_) => ACK,
            TabMessageKind::Move(_) => MOVE,
            TabMessageKind::Discarded => DISCARDED,
        });
        out.bytes(self.document.as_bytes());
        match &self.kind {
            TabMessageKind::Edit(one) => out.tab_entry(one),
            TabMessageKind::OutboxRequest { asker, known } => {
                out.integer(*asker);
                out.some_heads(known);
            }
            TabMessageKind::Outbox {
                asker,
                entries,
                heads,
            } => {
                out.integer(*asker);
                out.some_heads(heads);
                entries.iter().for_each(|one| out.tab_entry(one));
            }
            TabMessageKind::Restamp(entries) => {
                entries.iter().for_each(|one| out.tab_entry(one));
            }
            TabMessageKind::Reject { id, reason, text } => {
                out.entry_id(*id);
                out.why(*reason, text);
            }
            TabMessageKind::Ack(ack) => out.ack(ack),
            TabMessageKind::Move(ids) => ids.iter().for_each(|id| out.entry_id(*id)),
            TabMessageKind::Discarded => {}
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(bytes);
        let code = fields.byte();
        let document = fields.text(limits::NAME_BYTES);
        let kind = match code {
            EDIT => TabMessageKind::Edit(fields.tab_entry()),
            OUTBOX_REQUEST => TabMessageKind::OutboxRequest {
                asker: fields.integer(),
                known: fields.id_heads(),
            },
            OUTBOX => TabMessageKind::Outbox {
                asker: fields.integer(),
                heads: fields.id_heads(),
                entries: fields.tab_entries(),
            },
            RESTAMP => TabMessageKind::Restamp(fields.tab_entries()),
            REJECT => {
                let id = fields.entry_id();
                let (reason, text) = fields.why();
                TabMessageKind::Reject { id, reason, text }
            }
            ACK => TabMessageKind::Ack(fields.ack()),
            MOVE => {
                let mut ids = Vec::new();
                while !fields.is_empty() {
                    ids.push(fields.entry_id());
                }
                TabMessageKind::Move(ids)
            }
            DISCARDED => TabMessageKind::Discarded,
            _ => {
                fields.unknown();
                TabMessageKind::Discarded
            }
        };
        fields.end(Self { document, kind })
    }
}

impl Writer<'_> {
    /// Writes as many heads as a message may have.
    fn some_heads(&mut self, heads: &[(ReplicaId, IdHead)]) {
        self.id_heads(heads.get(..limits::OUTBOX_IDS).unwrap_or(heads));
    }

    fn tab_entry(&mut self, (entry, seen): &TabEntry) {
        self.entry_id(entry.id);
        self.integer(entry.previous.get());
        self.integer(entry.hash.get());
        self.integer(entry.user);
        self.patch(&entry.cells);
        self.patch(seen);
    }
}

impl Fields<'_> {
    fn tab_entry(&mut self) -> TabEntry {
        let (id, previous) = (self.entry_id(), EntryHash::new(self.integer()));
        let (hash, user) = (EntryHash::new(self.integer()), self.integer());
        let cells = self.patch();
        let entry = Entry {
            id,
            previous,
            hash,
            time: match cells.is_empty() {
                true => Time::ZERO,
                false => cells.latest(),
            },
            cells,
            stored: None,
            user,
        };
        if let Err(error) = entry.check() {
            self.fail(error);
        }
        (entry, self.patch())
    }

    fn tab_entries(&mut self) -> Vec<TabEntry> {
        let mut entries = Vec::new();
        while !self.is_empty() {
            entries.push(self.tab_entry());
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, LwwMap, replica::Replica};

    fn entries() -> Vec<TabEntry> {
        let mut replica = Replica::<LwwMap<u32, u32>>::new(Clock::system(ReplicaId::default()));
        for value in 0..3 {
            replica.transact(|tx| tx.insert(1, value)).unwrap();
        }
        replica.outbox()
    }

    #[test]
    fn a_message_between_tabs_is_read_as_it_was_written() {
        let entries = entries();
        let id = entries[0].0.id;
        let head = IdHead {
            number: 7,
            hash: EntryHash::new(8),
            time: Time::new(9),
            emptied: 5,
        };
        for kind in [
            TabMessageKind::Edit(entries[2].clone()),
            TabMessageKind::OutboxRequest {
                asker: 1,
                known: vec![(id.replica, head)],
            },
            TabMessageKind::Outbox {
                asker: 2,
                entries: entries.clone(),
                heads: vec![(id.replica, head)],
            },
            TabMessageKind::Restamp(entries.clone()),
            TabMessageKind::Reject {
                id,
                reason: Reason::Limit,
                text: "too much".to_owned(),
            },
            TabMessageKind::Move(vec![id, entries[1].0.id]),
            TabMessageKind::Discarded,
        ] {
            let document = "plans".to_owned();
            let message = TabMessage { document, kind };
            assert_eq!(TabMessage::decode(&message.encode()).unwrap(), message);
        }
    }

    #[test]
    fn a_message_of_another_version_is_not_read() {
        for kind in [1, 6, 64, 73] {
            let error = TabMessage::decode(&[kind, 1, b'a']).unwrap_err();
            assert!(error.is_unsupported(), "{error}");
        }
    }
}
