use std::{fmt, sync::Arc};

use leptos_sync_core::sync::Reason;

/// The state of a document's exchange with its relay.
///
/// `Display` gives a sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Connection {
    /// The document has no relay. [`SyncOptions::relay`](crate::SyncOptions::relay) names one.
    Absent,
    /// The page connects to the relay, or asks it for the document.
    Connecting,
    /// The document is exchanged. Edits of others arrive as they are made.
    Online,
    /// The document is not exchanged for the moment. Edits are queued, and the page tries again by
    /// itself.
    Offline(Cause),
    /// The relay does not exchange the document with this user or this page. Edits are queued. The
    /// page tries again now and then, and at once when the
    /// [credentials](crate::SyncOptions::credentials) change.
    Refused(Cause),
}

/// The reason why a document is not exchanged.
///
/// `Display` gives a clause for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The relay cannot be reached: there is no network, or nothing listens at the address.
    Unreachable,
    /// A server answers at the address, but it is no relay. The address is wrong, or a proxy does
    /// not pass it on.
    NoRelay,
    /// The relay answers ordinary requests, but no WebSocket opens. A proxy on the way probably
    /// does not forward them.
    NoWebSocket,
    /// The relay does not accept pages of this origin. It says so in these words.
    OriginNotAllowed(Arc<str>),
    /// The address that [`SyncOptions::relay`](crate::SyncOptions::relay) names is no address, or
    /// the document's name is too long for a relay.
    Invalid(Arc<str>),
    /// Edits of others have later stamps than this device's clock allows. They arrive as soon as
    /// the clock is right.
    ClockBehind(Arc<str>),
    /// [`SyncOptions::renew`](crate::SyncOptions::renew) gave no credentials yet.
    NoCredentials,
    /// The relay gave a reason, such as [`Reason::Unauthorized`].
    Relay {
        /// The reason as a code.
        reason: Reason,
        /// The reason in the relay's words.
        message: Arc<str>,
    },
}

impl Connection {
    /// Whether the relay has refused the document or the page.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }
}

impl fmt::Display for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (text, cause) = match self {
            Self::Absent => ("This document has no relay", None),
            Self::Connecting => ("Connecting to the relay", None),
            Self::Online => ("Connected to the relay", None),
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
            Self::OriginNotAllowed(text) | Self::Invalid(text) | Self::ClockBehind(text) => text,
            Self::Relay { reason, message } => {
                reason.fmt(f)?;
                f.write_str(": ")?;
                message
            }
        };
        f.write_str(text)
    }
}
