use std::{error::Error, fmt};

/// The error of a reader that was too slow: a [`ChangeStream`](super::ChangeStream) dropped changes
/// before it read them.
///
/// To update a copy of the document, get the [delta](crate::Doc::delta_since) since the copy's
/// version from the document, apply it, and continue reading. That delta may contain changes that
/// are still in the stream; applying them again changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lagged {
    /// The number of missed changes. All are older than the next change of the stream.
    pub missed: u64,
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the reader was too slow and missed {} changes; apply the document's delta since the reader's version",
            self.missed
        )
    }
}

impl Error for Lagged {}
