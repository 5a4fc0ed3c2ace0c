use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::letters::{Letters, not_a};
use crate::error::Error;

/// The identity of one writer: a tab, a server process, a device.
///
/// A replica id orders concurrent writes with the same [`Time`](crate::Time), and names the counter
/// cells and version entries that only its holder may write. So **no two live writers may share an
/// id, and a writer that may have lost its own writes must take a new one**. For that reason,
/// [`Doc::fork`](crate::Doc::fork) requires a new id. The id does not say who its holder is, or
/// whether the holder is alive.
///
/// Eight bytes, `Copy`, ordered as an unsigned integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ReplicaId(u64);

impl ReplicaId {
    /// Creates an id from a known value, such as a stored one.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// Draws an id from the system's source of randomness (the browser's `crypto` on wasm32). Two
    /// draws collide with a probability of 2⁻⁶⁴.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    pub fn random() -> Result<Self, Error> {
        getrandom::u64().map(Self).map_err(|_| {
            Error::unavailable(
                "this platform has no source of random bytes, which a new replica id needs",
            )
        })
    }

    /// Returns the id as an integer. The inverse of [`ReplicaId::new`].
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:x}", self.0)
    }
}

/// Writes 13 characters of the lowercase base32 alphabet, as in [`Stamp`](crate::Stamp)'s text
/// form.
impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Letters(self.0).fmt(f)
    }
}

impl FromStr for ReplicaId {
    type Err = Error;

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] for text that [`Display`](fmt::Display) does not write.
    fn from_str(text: &str) -> Result<Self, Error> {
        let id = Letters::parse(text).map(Self);
        id.ok_or_else(|| not_a("replica id", text, "aaaaaaaaaaaah"))
    }
}
