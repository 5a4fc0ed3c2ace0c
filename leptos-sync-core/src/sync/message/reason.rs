use std::fmt;

/// Why something was refused or ended.
///
/// A code that this build does not know, from a newer peer, is [`Other`](Reason::Other).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The credentials are missing, wrong or expired. Come back with others.
    Unauthorized,
    /// The user may not do this to this document.
    Forbidden,
    /// A replica id is bound to another user.
    Forged,
    /// A stamp lies further in the future than clocks may differ.
    Drift,
    /// A stamp lies below what the relay still remembers removals of.
    TooOld,
    /// A delta does not follow what the relay has.
    Gap,
    /// The peers have no protocol in common, or the message is of one that was not agreed on.
    Unsupported,
    /// The message is not as the protocol says.
    Malformed,
    /// A size, a count or a rate is beyond its limit.
    Limit,
    /// The receiver did not keep up and was cut off. Come back and go on from the version that was reached.
    Slow,
    /// Nothing was heard for too long.
    Timeout,
    /// The relay goes down and will be back.
    GoingAway,
    /// The relay's storage failed. What was not acknowledged was not taken.
    Unavailable,
    /// The document's data at the relay is damaged.
    Damaged,
    /// The connection has as many documents open as the relay allows. Leave one to make room for another.
    TooManyDocuments,
    /// Something else, which the text tells.
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

    /// The code that stands for it in a message.
    pub fn code(self) -> u8 {
        let known = Self::ALL.iter().find(|(reason, _)| *reason == self);
        known.map_or(0, |&(_, code)| code)
    }

    /// The reason of a code.
    pub fn of_code(code: u8) -> Self {
        let known = Self::ALL.iter().find(|&&(_, known)| known == code);
        known.map_or(Self::Other, |&(reason, _)| reason)
    }

    /// Whether the same may succeed later, without anybody doing anything about it.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Slow | Self::Timeout | Self::GoingAway | Self::Unavailable | Self::Gap
        )
    }

    /// Whether a transaction that was refused for it can be accepted under another stamp.
    pub fn is_of_time(self) -> bool {
        matches!(self, Self::Drift | Self::TooOld)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unauthorized => "not authorized",
            Self::Forbidden => "not permitted",
            Self::Forged => "written under somebody else's replica id",
            Self::Drift => "stamped too far in the future",
            Self::TooOld => "stamped before what is still remembered",
            Self::Gap => "earlier operations are missing",
            Self::Unsupported => "not supported",
            Self::Malformed => "malformed",
            Self::Limit => "beyond a limit",
            Self::Slow => "too slow",
            Self::Timeout => "timed out",
            Self::GoingAway => "going away",
            Self::Unavailable => "unavailable",
            Self::Damaged => "damaged",
            Self::TooManyDocuments => "too many documents",
            Self::Other => "refused",
        })
    }
}
