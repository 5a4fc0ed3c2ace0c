//! Values, cells and envelopes as bytes.

mod bincode;
mod cells;
#[cfg_attr(not(feature = "deflate"), path = "deflate/absent.rs")]
mod deflate;
pub(crate) mod envelope;
pub(crate) mod varint;

use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;

pub use bincode::Bincode;
pub use cells::{CellIter, CellRef, CellWriter, Cells, Group};

pub(crate) use cells::{Census, Written};

/// How values of a CRDT become bytes: the serde format behind a register or a map.
///
/// A format is chosen by type (`LwwMap<K, V, MyFormat>`), never at run time, so that all replicas of a document agree.
///
/// # Laws
///
/// - `decode(encode(v)) == v`.
/// - Equal values encode to equal bytes on every platform; keys of maps rely on it.
/// - `decode` never panics, and allocates in proportion to what it is given, whatever the bytes are.
pub trait Codec: Send + Sync + 'static {
    /// Appends `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] when the format cannot express the value; what was appended is then unspecified.
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error>;

    /// The value that `bytes`, all of them, spell.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] when they do not spell a `T`.
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error>;

    /// Whether `bytes`, which [`decode`](Codec::decode) read as `value`, are what [`encode`](Codec::encode) writes.
    ///
    /// Writes it again into `scratch` and compares, unless a format knows better.
    fn is_spelling_of<T: Serialize + 'static>(
        bytes: &[u8],
        value: &T,
        scratch: &mut Vec<u8>,
    ) -> bool {
        is_written_as::<Self, T>(bytes, value, scratch)
    }
}

fn is_written_as<C: Codec + ?Sized, T: Serialize>(
    bytes: &[u8],
    value: &T,
    scratch: &mut Vec<u8>,
) -> bool {
    scratch.clear();
    C::encode(value, scratch).is_ok() && scratch == bytes
}
