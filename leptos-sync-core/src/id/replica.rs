use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::letters::{Letters, not_a};
use crate::error::Error;

/// The identity of one writer: a tab, a server process, a device.
///
/// A replica id orders concurrent writes that happen at the same [`Time`](crate::Time), and names the counter cells
/// and version entries that only its holder may write. So **no two live writers may share one, and a writer that may
/// have forgotten what it wrote must take a new one**; [`Doc::fork`](crate::Doc::fork) asks for a fresh id for that
/// reason. It does not know who the holder is, nor whether it is still alive.
///
/// Eight bytes, `Copy`, ordered as an unsigned integer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ReplicaId(u64);

impl ReplicaId {
    /// An id with a known value, for example one that was kept in storage under a lease.
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// An id drawn from the system's source of randomness (the browser's `crypto` in wasm32).
    ///
    /// Two draws collide with probability 2⁻⁶⁴.
    ///
    /// # Errors
    ///
    /// When the system has no source of randomness.
    pub fn random() -> Result<Self, Error> {
        getrandom::u64().map(Self).map_err(|_| {
            Error::unavailable("this platform gives no random bytes, which a new replica id needs")
        })
    }

    /// The id as an integer, the inverse of [`ReplicaId::new`].
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Debug for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{:x}", self.0)
    }
}

/// 13 characters of the lowercase base32 alphabet, as in [`Stamp`](crate::Stamp)'s text form.
impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Letters(self.0).fmt(f)
    }
}

impl FromStr for ReplicaId {
    type Err = Error;

    /// Reads the text form.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] for text that [`Display`](fmt::Display) does not write.
    fn from_str(text: &str) -> Result<Self, Error> {
        let id = Letters::parse(text).map(Self);
        id.ok_or_else(|| not_a("replica id", text, "aaaaaaaaaaaah"))
    }
}
