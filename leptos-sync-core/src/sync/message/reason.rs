use std::fmt;

/// The reason why a request was rejected, or why a connection or an exchange ended.
///
/// An unknown code from a newer peer is decoded as [`Other`](Reason::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The credentials are missing, invalid or expired. Reconnect with new ones.
    Unauthorized,
    /// The user may not perform this operation on this document.
    Forbidden,
    /// A replica id is bound to another user.
    Forged,
    /// A stamp is too far in the future.
    Drift,
    /// A stamp is below the floor, so the relay may have forgotten removals after it.
    TooOld,
    /// An entry does not follow the last one of its replica id that the relay has stored.
    Gap,
    /// The peers have no protocol in common, or a message is not part of the agreed protocol.
    Unsupported,
    /// A message violates the protocol.
    Malformed,
    /// A size, count or rate exceeds its limit.
    Limit,
    /// The client did not keep up, so the relay closed the document or the connection. Open it
    /// again, and continue from the position that was reached.
    Slow,
    /// The connection was silent for too long.
    Timeout,
    /// The relay is shutting down and will be back.
    GoingAway,
    /// The relay's storage failed. Transactions that were not acknowledged may not be stored.
    Unavailable,
    /// The document's data at the relay is damaged.
    Damaged,
    /// The connection has as many documents open as the relay allows. Leave one before opening
    /// another.
    TooManyDocuments,
    /// Any other reason, which the text states.
    Other,
}

impl Reason {
    const ALL: [(Self, u8); 16] = [
        (Self::Other, 0),
        (Self::Unauthorized, 1),
        (Self::Forbidden, 2),
        (Self::Forged, 3),
        (Self::Drift, 4),
        (Self::TooOld, 5),
        (Self::Gap, 6),
        (Self::Unsupported, 7),
        (Self::Malformed, 8),
        (Self::Limit, 9),
        (Self::Slow, 10),
        (Self::Timeout, 11),
        (Self::GoingAway, 12),
        (Self::Unavailable, 13),
        (Self::Damaged, 14),
        (Self::TooManyDocuments, 15),
    ];

    /// Returns the code of the reason in a message.
    pub fn code(self) -> u8 {
        let known = Self::ALL.iter().find(|(reason, _)| *reason == self);
        known.map_or(0, |&(_, code)| code)
    }

    /// Returns the reason for a code.
    pub fn of_code(code: u8) -> Self {
        let known = Self::ALL.iter().find(|&&(_, known)| known == code);
        known.map_or(Self::Other, |&(reason, _)| reason)
    }

    /// Returns whether the same operation may succeed later without any change by the user or the
    /// app.
    pub fn is_temporary(self) -> bool {
        matches!(
            self,
            Self::Slow | Self::Timeout | Self::GoingAway | Self::Unavailable | Self::Gap
        )
    }

    /// Returns whether a transaction rejected for this reason may be accepted with another stamp.
    pub fn concerns_time(self) -> bool {
        matches!(self, Self::Drift | Self::TooOld)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthorized => "not authorized",
            Self::Forbidden => "not permitted",
            Self::Forged => "written under another user's replica id",
            Self::Drift => "stamped too far in the future",
            Self::TooOld => "stamped below the relay's floor",
            Self::Gap => "earlier operations are missing",
            Self::Unsupported => "not supported",
            Self::Malformed => "malformed",
            Self::Limit => "a limit was exceeded",
            Self::Slow => "too slow",
            Self::Timeout => "timed out",
            Self::GoingAway => "disconnected",
            Self::Unavailable => "unavailable",
            Self::Damaged => "damaged",
            Self::TooManyDocuments => "too many documents",
            Self::Other => "refused",
        })
    }
}
