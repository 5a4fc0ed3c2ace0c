use std::{fmt, sync::Arc};

use leptos_sync_core::sync::Reason;

/// The state of a document's exchange with its relay.
///
/// `Display` formats a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Connection {
    /// The document has no relay. [`SyncOptions::relay`](crate::SyncOptions::relay) sets one.
    Absent,
    /// The page is connecting to the relay, or requesting the document.
    Connecting,
    /// The document is being exchanged. Edits by others arrive immediately.
    Online,
    /// The document is not being exchanged at the moment. Edits are queued, and the page retries
    /// automatically.
    Offline(Cause),
    /// The relay does not exchange the document with this user or this page. Edits are queued. The
    /// page retries periodically, and immediately when the
    /// [credentials](crate::SyncOptions::credentials) change.
    Refused(Cause),
    /// The document was removed at the relay. The page keeps it, with the edits that the relay did
    /// not have, but does not exchange it. This does not change when the connection is lost and
    /// returns.
    Removed,
}

/// The reason why a document is not exchanged.
///
/// `Display` formats a clause for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The relay cannot be reached: there is no network, or nothing listens at the address.
    Unreachable,
    /// A server answers at the address, but it is not a relay. The address is wrong, or a proxy
    /// does not forward requests to the relay.
    NoRelay,
    /// The relay answers ordinary requests, but no WebSocket opens. A proxy in between probably
    /// does not forward WebSockets.
    NoWebSocket,
    /// The relay does not accept pages of this origin. Contains the relay's explanation.
    OriginNotAllowed(Arc<str>),
    /// The address that [`SyncOptions::relay`](crate::SyncOptions::relay) names is not a valid
    /// address, or the document's name is too long for a relay.
    Invalid(Arc<str>),
    /// [`SyncOptions::renew`](crate::SyncOptions::renew) has not returned credentials yet, although
    /// the browser reports a network.
    NoCredentials,
    /// The relay reported a reason, such as [`Reason::Unauthorized`].
    Relay {
        /// The reason as a code.
        reason: Reason,
        /// The reason in the relay's words.
        message: Arc<str>,
    },
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, cause) = match self {
            Self::Absent => ("This document has no relay", None),
            Self::Connecting => ("Connecting to the relay", None),
            Self::Online => ("Connected to the relay", None),
            Self::Removed => ("This document was removed at the relay", None),
            Self::Offline(cause) => ("Offline: ", Some(cause)),
            Self::Refused(cause) => ("Not synchronized: ", Some(cause)),
        };
        f.write_str(text)?;
        if let Some(cause) = cause {
            cause.fmt(f)?;
        }
        f.write_str(".")
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Unreachable => "the relay cannot be reached",
            Self::NoCredentials => "there are no credentials yet",
            Self::NoRelay => "the server at this address is no relay",
            Self::NoWebSocket => "the relay answers, but no WebSocket opens",
            Self::OriginNotAllowed(text) | Self::Invalid(text) => text,
            Self::Relay { reason, message } => {
                reason.fmt(f)?;
                f.write_str(": ")?;
                message
            }
        };
        f.write_str(text)
    }
}
