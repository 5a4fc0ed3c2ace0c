use std::{error::Error, fmt};

/// A reader was too slow: changes went out of a [`ChangeStream`](super::ChangeStream) before it took them.
///
/// Its copy resumes by version: ask the document for the [delta](crate::Doc::delta_since) since the version that the copy
/// has, and read on. What follows in the stream may be contained in that delta; applying it once more changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lagged {
    /// How many changes it has missed, all of them older than what the stream gives next.
    pub missed: u64,
}

impl fmt::Display for Lagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the reader was too slow and missed {} changes; ask the document for the delta since the reader's version",
            self.missed
        )
    }
}

impl Error for Lagged {}
