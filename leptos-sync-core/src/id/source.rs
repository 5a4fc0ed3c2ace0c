use std::{fmt, mem};

use super::{Id, substitute};
use crate::error::Error;

/// A source of random numbers.
pub(crate) type Random = fn() -> Result<u64, Error>;

/// The source of the ids that one writer gives to what it creates in a document.
///
/// Its ids begin with a random number, which is drawn with the first one and never stored. A writer
/// that continues under another replica id, and a copy of a document, use a
/// [renewed](IdSource::renewed) source. So two sources create different ids, except those of a
/// process that was cloned while it ran.
pub(crate) struct IdSource {
    random: Random,
    origin: Option<u64>,
    count: u64,
}

impl IdSource {
    /// Creates a source that draws its number from `random`, or from the time if that fails.
    pub(crate) fn new(random: Random) -> Self {
        Self {
            random,
            origin: None,
            count: 0,
        }
    }

    /// Returns a source that draws a number of its own.
    pub(crate) fn renewed(&self) -> Self {
        Self::new(self.random)
    }

    /// Returns the next id. O(1); the first one draws the random number.
    pub(crate) fn next(&mut self) -> Id {
        let random = self.random;
        let draw = || random().unwrap_or_else(|_| substitute::draw());
        let origin = *self.origin.get_or_insert_with(draw);
        self.count += 1;
        Id::of_parts((origin, self.count))
    }

    /// Moves the source out, for example to an open transaction.
    pub(crate) fn take(&mut self) -> Self {
        let renewed = self.renewed();
        mem::replace(self, renewed)
    }

    /// Returns a source that creates the same ids, like that of a cloned process. For tests.
    #[cfg(feature = "testing")]
    pub(crate) fn clone_running(&self) -> Self {
        Self { ..*self }
    }
}

impl Default for IdSource {
    fn default() -> Self {
        Self::new(|| Ok(Id::draw()))
    }
}

impl fmt::Debug for IdSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdSource").finish_non_exhaustive()
    }
}
