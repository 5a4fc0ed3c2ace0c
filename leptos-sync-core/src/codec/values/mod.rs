//! The encoding of values, through serde.
//!
//! The first byte of a value states its type: the kind of a scalar (`tags`), which is exact, or the
//! fingerprint of a compound (`shape`), which detects most changes. Strings have no such byte.
//! `docs/format.md` specifies the bytes, and which changes are always detected.
//!
//! Within a compound, bincode 2 encodes numbers, characters and lengths. The serde adapters are our
//! own, because those of bincode trust their input. They reserve memory for any declared length,
//! repeat an element without bytes as often as the length says, and recurse without a limit. Here,
//! a decoder
//!
//! - rejects a length that exceeds the bytes that are left. Elements that take no bytes are limited
//!   to [`FREE_ELEMENTS`] per value;
//! - reserves memory for at most as many elements as the value has bytes, in all its sequences
//!   together. Valid values are not affected: each element has a first byte of its own;
//! - rejects more than [`limits::DEPTH`](crate::limits::DEPTH) nested options, sequences, maps,
//!   tuples, structs and enums. A newtype struct does not count;
//! - accepts only the shortest encoding of a number.
//!
//! The encoder rejects all values that the decoder would reject. It also rejects two faults that
//! serde does not detect: a sequence with an unknown or wrong length, and a skipped field. `exact`
//! ensures that a value can be read back.

mod access;
mod deserializer;
mod elements;
mod exact;
mod fault;
mod input;
mod order;
mod output;
mod scalars;
mod serializer;
mod shape;
mod tags;
#[cfg(test)]
mod tests;
mod whole;

use ::bincode::config::{Configuration, standard};
use serde::{Serialize, de::DeserializeOwned};

use self::{deserializer::Deserializer, input::Input, output::Output, serializer::Serializer};
use crate::error::Error;

/// The maximum number of elements without bytes (`()`, empty structs) in all sequences and maps of
/// a value. Such elements contain no data, but decoding them takes time although they take no
/// bytes.
const FREE_ELEMENTS: usize = 1024;

/// The configuration of bincode: little endian, numbers of variable length, no limits.
const CONFIG: Configuration = standard();

pub use exact::encode_checked;

pub(crate) use exact::{check, check_key, decode_exact, decode_key};

/// Appends the encoded `value` to `out`.
///
/// The encoding has no field names, and takes one byte for a number below 251 and for most lengths.
/// A string is stored without a length; any other value has one byte that states its type. Encoding
/// allocates only in `out`. The bytes are the same on every platform.
///
/// # Errors
///
/// - [`Error::is_limit`] if the value is nested deeper than
///   [`limits::DEPTH`](crate::limits::DEPTH).
/// - [`Error::is_value`] if the format cannot express the value.
///
/// After an error, the bytes appended to `out` are unspecified.
#[inline]
pub fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    write(value, false, out)
}

/// Appends the encoded key of a map to `out`. Unlike [`encode`], it encodes 0 and −0 to equal
/// bytes, and all NaNs to equal bytes.
///
/// # Errors
///
/// Those of [`encode`].
#[inline]
pub fn encode_key<K: Serialize + ?Sized>(key: &K, out: &mut Vec<u8>) -> Result<(), Error> {
    write(key, true, out)
}

/// Decodes a value from all of `bytes`.
///
/// Never panics, and allocates in proportion to `bytes`. An integer decodes as any type that can
/// hold it, and a `T` as an `Option<T>`.
///
/// # Errors
///
/// [`Error::is_value`] if the bytes do not encode a `T`, if they encode another type, or if the
/// value is nested deeper than [`limits::DEPTH`](crate::limits::DEPTH).
#[inline]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let mut input = Input::new(bytes);
    let value = T::deserialize(Deserializer::new(&mut input))?;
    input.finish()?;
    Ok(value)
}

#[inline]
fn write<T: Serialize + ?Sized>(value: &T, is_key: bool, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut output = Output::new(out, is_key);
    value.serialize(Serializer::new(&mut output))?;
    Ok(())
}
