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

/// What one page of a browser tells the others of a document, with a relay and without one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The document's name.
    pub document: String,
    /// What is told of it.
    pub news: News,
}

/// What is told of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// A transaction that was written here, or that nobody has sent to the relay yet.
    Edit(Delta),
    /// What this page contains: who has more tells it, and asks in turn for what it lacks.
    Ask(VersionVector),
    /// The same as an answer to that, after which this page is not asked in turn.
    Answer(VersionVector),
    /// What others lack, but for the transactions that the relay lacks.
    Missing(Delta),
    /// The relay has refused a transaction.
    Rejected {
        /// The version that it leads to.
        upto: VersionVector,
        /// Why.
        reason: Reason,
        /// The same for a person.
        text: String,
    },
    /// Transactions have other stamps than before.
    Restamped(Vec<Restamped>),
}

const EDIT: u8 = 1;
const ASK: u8 = 2;
const ANSWER: u8 = 3;
const MISSING: u8 = 4;
const REJECTED: u8 = 5;
const RESTAMPED: u8 = 6;

impl Told {
    /// The message's bytes. O(bytes).
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        Message::encode(self, cfg!(feature = "deflate"), &mut bytes);
        bytes
    }

    /// The message that `bytes` hold.
    ///
    /// # Errors
    ///
    /// [`Error::is_corrupt`], [`Error::is_limit`] or [`Error::is_unsupported`] where they hold none: they are of a page of another
    /// build.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        Message::decode(bytes)
    }
}

impl Message for Told {
    fn encode(&self, deflate: bool, out: &mut Vec<u8>) {
        let mut out = Writer { out, deflate };
        let kind = match &self.news {
            News::Edit(_) => EDIT,
            News::Ask(_) => ASK,
            News::Answer(_) => ANSWER,
            News::Missing(_) => MISSING,
            News::Rejected { .. } => REJECTED,
            News::Restamped(_) => RESTAMPED,
        };
        out.byte(kind);
        out.bytes(self.document.as_bytes());
        match &self.news {
            News::Edit(delta) | News::Missing(delta) => out.delta(delta),
            News::Ask(version) | News::Answer(version) => out.version(version),
            News::Rejected { upto, reason, text } => {
                out.version(upto);
                out.why(*reason, text);
            }
            News::Restamped(all) => {
                for Restamped { replaced, delta } in all {
                    out.version(replaced);
                    out.delta(delta);
                }
            }
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::new(bytes);
        let kind = fields.byte();
        let document = fields.text(limits::NAME_BYTES);
        let news = match kind {
            EDIT => News::Edit(fields.delta()),
            ASK => News::Ask(fields.version()),
            ANSWER => News::Answer(fields.version()),
            MISSING => News::Missing(fields.delta()),
            REJECTED => {
                let upto = fields.version();
                let (reason, text) = fields.why();
                News::Rejected { upto, reason, text }
            }
            RESTAMPED => {
                let mut all = Vec::new();
                while !fields.is_empty() {
                    all.push(Restamped {
                        replaced: fields.version(),
                        delta: fields.delta(),
                    });
                }
                News::Restamped(all)
            }
            _ => {
                let what = "another page tells what is not known here";
                fields.fail(Error::unsupported(what));
                News::Restamped(Vec::new())
            }
        };
        fields.end(Self { document, news })
    }
}
