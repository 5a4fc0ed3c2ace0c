use super::{
    Message, Reason,
    fields::{Fields, Writer},
};
use crate::{
    delta::{Delta, Restamped},
    error::Error,
    limits,
    version::VersionVector,
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
    /// A transaction that the sender made, or that no tab has sent to the relay yet.
    Edit(Delta),
    /// A request with the sender's version. A tab that has more operations sends them; a tab that
    /// has fewer sends [`Reply`](TabMessageKind::Reply).
    Request(VersionVector),
    /// The answer to a request, with the sender's version. A tab that has more operations sends
    /// them, but does not reply again.
    Reply(VersionVector),
    /// Operations that the other tab lacks, except unacknowledged transactions.
    Missing(Delta),
    /// The relay rejected a transaction.
    Rejected {
        /// The version to which the transaction leads.
        upto: VersionVector,
        /// The reason, as a code.
        reason: Reason,
        /// The reason, as a sentence.
        text: String,
    },
    /// Transactions have new stamps.
    Restamped(Vec<Restamped>),
}

const EDIT: u8 = 1;
const REQUEST: u8 = 2;
const REPLY: u8 = 3;
const MISSING: u8 = 4;
const REJECTED: u8 = 5;
const RESTAMPED: u8 = 6;

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
        let code = match &self.kind {
            TabMessageKind::Edit(_) => EDIT,
            TabMessageKind::Request(_) => REQUEST,
            TabMessageKind::Reply(_) => REPLY,
            TabMessageKind::Missing(_) => MISSING,
            TabMessageKind::Rejected { .. } => REJECTED,
            TabMessageKind::Restamped(_) => RESTAMPED,
        };
        out.byte(code);
        out.bytes(self.document.as_bytes());
        match &self.kind {
            TabMessageKind::Edit(delta) | TabMessageKind::Missing(delta) => out.delta(delta),
            TabMessageKind::Request(version) | TabMessageKind::Reply(version) => {
                out.version(version);
            }
            TabMessageKind::Rejected { upto, reason, text } => {
                out.version(upto);
                out.why(*reason, text);
            }
            TabMessageKind::Restamped(all) => {
                for Restamped { replaced, delta } in all {
                    out.version(replaced);
                    out.delta(delta);
                }
            }
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(bytes);
        let code = fields.byte();
        let document = fields.text(limits::NAME_BYTES);
        let kind = match code {
            EDIT => TabMessageKind::Edit(fields.delta()),
            REQUEST => TabMessageKind::Request(fields.version()),
            REPLY => TabMessageKind::Reply(fields.version()),
            MISSING => TabMessageKind::Missing(fields.delta()),
            REJECTED => {
                let upto = fields.version();
                let (reason, text) = fields.why();
                TabMessageKind::Rejected { upto, reason, text }
            }
            RESTAMPED => {
                let mut all = Vec::new();
                while !fields.is_empty() {
                    all.push(Restamped {
                        replaced: fields.version(),
                        delta: fields.delta(),
                    });
                }
                TabMessageKind::Restamped(all)
            }
            _ => {
                let what = "another tab sent a message of an unknown kind";
                fields.fail(Error::unsupported(what));
                TabMessageKind::Restamped(Vec::new())
            }
        };
        fields.end(Self { document, kind })
    }
}
