use crate::{error::Error, sync::message::Reason};

/// The reason why an exchange cannot continue.
#[derive(Debug)]
pub(super) enum Fault {
    /// The document has to be opened again, at once.
    Restart,
    /// The document has to be opened again later.
    Later(Reason, String),
    /// The relay violates the protocol, which ends the connection.
    Violation(&'static str),
    /// The document cannot handle what the relay has sent.
    Document(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match error.is_gap() {
            true => Self::Restart,
            false => Self::Document(error),
        }
    }
}

/// An answer without a request.
pub(super) const UNASKED: Fault = Fault::Violation("the relay sent an answer without a request");
/// An answer about an entry that was not sent, or not next.
pub(super) const UNSENT: Fault =
    Fault::Violation("the relay sent an answer for an entry that was not sent");
