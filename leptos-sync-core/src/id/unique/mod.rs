use std::{
    fmt,
    str::FromStr,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    letters::{Letters, not_a},
    substitute,
};
use crate::error::Error;

/// A unique id for an item that a user creates: the key of a map entry, of a collection's record,
/// or of a list element.
///
/// An id can be created anywhere and at any time, even offline and outside a transaction. It
/// consists of 64 random bits, drawn once per page load (or native process) and never stored, and a
/// counter. So no two replicas create the same id, and neither does one device across a reload, a
/// restored backup or a copied profile. Keys derived by counting (`last + 1`) do collide: two users
/// who add an item at the same time choose the same key, and one item is lost.
///
/// ```
/// use leptos_sync_core::{Clock, Doc, Id, LwwMap, ReplicaId};
///
/// let mut ada = Doc::<LwwMap<Id, String>>::new(Clock::system(ReplicaId::new(1)));
/// let mut bob = Doc::<LwwMap<Id, String>>::new(Clock::system(ReplicaId::new(2)));
/// let milk = Id::new();
/// ada.transact(|tx| tx.insert(milk, "Milk".to_owned()))?;
/// bob.transact(|tx| tx.insert(Id::new(), "Bread".to_owned()))?;
/// bob.merge(&ada)?;
/// assert_eq!(bob.state().len(), 2);
/// assert_eq!(milk.to_string().parse::<Id>()?, milk);
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
///
/// # What it does not promise
///
/// - No order in time. The order of ids is arbitrary, except that the ids of one page load
///   increase.
/// - No secrecy: anyone who knows one id of a page load can guess the others. An id is not a token.
/// - No uniqueness across copies of a running process. A process duplicated by `fork(2)` or by a
///   snapshot of a virtual machine creates the same ids as the other copy.
/// - Full randomness only where the platform has it. Without a source of random bytes, the 64 bits
///   come from the time, and from `Math.random` in a browser or memory addresses elsewhere.
///
/// # Formats
///
/// [`Display`](fmt::Display), [`FromStr`] and readable serde formats such as JSON use the text
/// form. It consists of the random part in 13 characters of the lowercase base32 alphabet (`a`–`z`,
/// `2`–`7`), a hyphen, and the counter in decimal: `eoiufzbujzexi-1`. It starts with a letter and
/// needs no escaping in HTML ids, CSS selectors and URLs. Elsewhere an id is 8 bytes, and the
/// counter as a varint: 9 bytes for the first 127 ids of a page load, and one more in a document.
///
/// There is no `Default`: a default that every replica shares would not be unique. A register that
/// may or may not refer to an item holds an `Option<Id>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// A random number, the same in all ids of one page load.
    origin: u64,
    count: u64,
}

impl Id {
    /// Creates a unique id. Costs an atomic addition; the first one also draws random bytes.
    #[expect(
        clippy::new_without_default,
        reason = "a default is the same each time, and an id never is"
    )]
    pub fn new() -> Self {
        static ORIGIN: OnceLock<u64> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(1);
        Self {
            origin: *ORIGIN.get_or_init(Self::draw),
            count: COUNT.fetch_add(1, Ordering::Relaxed),
        }
    }

    /// Returns a random number, or one that depends on the time if there are no random bytes.
    pub(super) fn draw() -> u64 {
        getrandom::u64().unwrap_or_else(|_| substitute::draw())
    }

    /// Returns the parts of the id. Pairs of parts sort like ids.
    pub(crate) fn parts(self) -> (u64, u64) {
        (self.origin, self.count)
    }

    /// Creates an id from its parts.
    pub(crate) fn of_parts((origin, count): (u64, u64)) -> Self {
        Self { origin, count }
    }

    fn write(self, buffer: &mut [u8; MOST_BYTES]) -> &[u8] {
        let mut length = 0;
        let mut put = |byte| {
            if let Some(place) = buffer.get_mut(length) {
                *place = byte;
                length += 1;
            }
        };
        self.origin.to_be_bytes().into_iter().for_each(&mut put);
        let mut rest = self.count;
        while rest > 0x7f {
            put(rest as u8 | 0x80);
            rest >>= 7;
        }
        put(rest as u8);
        buffer.get(..length).unwrap_or_default()
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (origin, rest) = bytes.split_first_chunk()?;
        let (last, first) = rest.split_last()?;
        // Each id has one encoding: without superfluous or empty bytes.
        if *last > 0x7f
            || (*last == 0 && !first.is_empty())
            || first.iter().any(|byte| *byte < 0x80)
        {
            return None;
        }
        let mut count = 0_u64;
        for byte in rest.iter().rev() {
            count = count.checked_mul(0x80)? | u64::from(byte & 0x7f);
        }
        Some(Self {
            origin: u64::from_be_bytes(*origin),
            count,
        })
    }
}

/// The number of bytes of an id with the greatest counter.
const MOST_BYTES: usize = 18;

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", Letters(self.origin), self.count)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = Error;

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] for text that [`Display`](fmt::Display) does not write.
    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let (origin, count) = Letters::parse_first(text)?;
            let is_number = count.starts_with(|first: char| first.is_ascii_digit())
                && (count.len() == 1 || !count.starts_with('0'));
            let count = count.parse().ok().filter(|_| is_number)?;
            Some(Self { origin, count })
        };
        parse().ok_or_else(|| not_a("unique id", text, "eoiufzbujzexi-1"))
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_bytes(self.write(&mut [0; MOST_BYTES]))
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Visitor)
        } else {
            deserializer.deserialize_bytes(Visitor)
        }
    }
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a unique id")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Id, E> {
        Id::read(bytes).ok_or_else(|| E::custom("these bytes are not a unique id"))
    }
}

#[cfg(test)]
mod tests;
