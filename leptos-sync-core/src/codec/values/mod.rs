//! serde's data model over bincode 2's primitives.
//!
//! bincode spells numbers, characters and lengths (numbers are read by our own code, which is one
//! function for all their types); what is around them is ours, because bincode's own serde adapters
//! believe what they read: they hand serde any claimed length to reserve memory for, they repeat an
//! element without bytes as often as the length says, and they recurse as deep as the bytes do.
//! Here, one decode
//!
//! - reads a length only if so many elements can follow: every element takes a byte, but for
//!   [`FREE_ELEMENTS`] in all;
//! - reserves memory for at most as many elements as there are bytes, all sequences of a value
//!   together. An honest value is not affected: the first bytes of its elements are distinct, so
//!   there are never more;
//! - refuses more than [`limits::DEPTH`](crate::limits::DEPTH) options, sequences, maps, tuples,
//!   structs and enums inside each other. A newtype struct is its content and does not count;
//! - accepts a number in its shortest spelling only.
//!
//! The writer refuses exactly what the reader would, and what serde lets pass silently: a sequence
//! of unknown or wrong length and a skipped field.
//!
//! A value says in its first byte what it is, so that it is never read as another: a scalar its
//! kind, a compound its [`Shape`](shape::Shape). A string needs no such byte, since none of them
//! begins a string. `docs/format.md` gives the bytes.

mod access;
mod deserializer;
mod elements;
mod exact;
mod fault;
mod input;
mod output;
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

/// Elements without bytes (`()`, empty structs) that one value may hold in its sequences and maps,
/// all together. They cost a reader time for which nothing was sent; nobody has data in them.
const FREE_ELEMENTS: usize = 1024;

/// Little endian, numbers of variable length, no limit of its own.
const CONFIG: Configuration = standard();

pub use exact::encode_checked;

pub(crate) use exact::{check, check_key, decode_exact, decode_key};

/// Appends the encoded `value` to `out`.
///
/// Numbers below 251 and lengths take one byte, fields have no names. A string is stored as it is;
/// any other value takes one byte that says what it is. Encoding allocates nothing beyond `out`.
/// Equal values of types without hashed maps or sets encode to equal bytes on every platform; keys
/// of maps rely on it.
///
/// # Errors
///
/// [`Error::is_limit`] when the value is nested deeper than
/// [`limits::DEPTH`](crate::limits::DEPTH), [`Error::is_value`] when the format cannot express it.
/// What was appended is then unspecified.
#[inline]
pub fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
    write(value, false, out)
}

/// Appends the encoded key of a map to `out`, as [`encode`] does a value. Floats that are equal, 0
/// and −0, and those that are not numbers, are written as equal bytes.
///
/// # Errors
///
/// As for [`encode`].
#[inline]
pub fn encode_key<K: Serialize + ?Sized>(key: &K, out: &mut Vec<u8>) -> Result<(), Error> {
    write(key, true, out)
}

/// Decodes the value that `bytes`, all of them, encode.
///
/// Never panics, and allocates in proportion to `bytes`, whatever they are. An integer is read as
/// any type that can hold it, and `Some` of a value as the value; what was written as another type
/// is refused.
///
/// # Errors
///
/// [`Error::is_value`] when they do not encode a `T`, or one nested deeper than
/// [`limits::DEPTH`](crate::limits::DEPTH).
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
