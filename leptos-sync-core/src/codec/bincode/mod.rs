//! serde's data model over bincode 2's primitives.
//!
//! bincode spells numbers, characters and lengths (numbers are read by our own code, which is one function for all
//! their types); what is around them is ours, because bincode's own serde adapters believe what they read: they hand
//! serde any claimed length to reserve memory for, they repeat an element without bytes as often as the length says,
//! and they recurse as deep as the bytes do. Here, one decode
//!
//! - reads a length only if so many elements can follow: every element takes a byte, but for [`FREE_ELEMENTS`] in all;
//! - reserves memory for at most as many elements as there are bytes, all sequences of a value together. An honest
//!   value is not affected: the first bytes of its elements are distinct, so there are never more;
//! - refuses more than [`limits::DEPTH`](crate::limits::DEPTH) options, sequences, maps, tuples, structs and enums
//!   inside each other. A newtype struct is its content and does not count;
//! - accepts a number in its shortest spelling only.
//!
//! The writer refuses exactly what the reader would, and what serde lets pass silently: a sequence of unknown or wrong
//! length and a skipped field. `docs/format.md` gives the bytes, which are bincode's own but for strings at the top.

mod access;
mod deserializer;
mod elements;
mod fault;
mod input;
mod output;
mod serializer;
#[cfg(test)]
mod tests;

use std::any::Any;

use ::bincode::config::{Configuration, standard};
use serde::{Serialize, de::DeserializeOwned};

use self::{deserializer::Deserializer, input::Input, output::Output, serializer::Serializer};
use super::{Codec, is_written_as};
use crate::error::Error;

/// The default format of values: [bincode 2](https://docs.rs/bincode/2) with its standard configuration.
///
/// Compact and fast: numbers below 251 and lengths take one byte, fields have no names. A value that is a string or
/// bytes as a whole is stored as it is, without a length. Encoding costs no allocation beyond `out`; decoding allocates
/// what the value itself holds.
///
/// It is not self-describing. A type that asks the bytes what they are cannot be read: `#[serde(untagged)]`,
/// `#[serde(tag = …)]`, `#[serde(flatten)]`, `#[serde(skip_serializing_if)]`, dynamic JSON. A type must deserialize by
/// the method of serde by which it serializes, as derived implementations do. Fields and variants are known by their
/// place: append variants, and do not reorder. Maps are written in their iteration order, so that a `BTreeMap` has one
/// spelling and a `HashMap` many.
///
/// # Example
///
/// ```
/// use leptos_sync_core::{Bincode, Codec};
///
/// let mut bytes = Vec::new();
/// Bincode::encode("buy milk", &mut bytes)?;
/// assert_eq!(bytes, b"buy milk");
/// assert_eq!(Bincode::decode::<String>(&bytes)?, "buy milk");
///
/// bytes.clear();
/// Bincode::encode(&(7_u64, Some('é')), &mut bytes)?;
/// assert_eq!(bytes, [7, 1, 0xc3, 0xa9]);
/// assert!(Bincode::decode::<(u64, Option<u64>)>(&bytes).is_err());
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bincode;

/// Elements without bytes (`()`, empty structs) that one value may hold in its sequences and maps, all together. They
/// cost a reader time for which nothing was sent; nobody has data in them.
const FREE_ELEMENTS: usize = 1024;

/// Little endian, numbers of variable length, no limit of its own.
const CONFIG: Configuration = standard();

impl Codec for Bincode {
    /// Appends `value` to `out`.
    ///
    /// # Errors
    ///
    /// [`Error::is_limit`] when the value is nested deeper than [`limits::DEPTH`](crate::limits::DEPTH),
    /// [`Error::is_value`] when bincode cannot express it.
    #[inline]
    fn encode<T: Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut output = Output::new(out);
        value
            .serialize(Serializer::new(&mut output))
            .map_err(Error::from)
    }

    /// The value that `bytes`, all of them, spell.
    ///
    /// # Errors
    ///
    /// [`Error::is_value`] when they do not spell a `T`, or one nested deeper than
    /// [`limits::DEPTH`](crate::limits::DEPTH).
    #[inline]
    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
        let mut input = Input::new(bytes);
        let value = T::deserialize(Deserializer::new(&mut input))?;
        input.finish()?;
        Ok(value)
    }

    /// A string as a whole is its own bytes; everything else is written again.
    #[inline]
    fn is_spelling_of<T: Serialize + 'static>(
        bytes: &[u8],
        value: &T,
        scratch: &mut Vec<u8>,
    ) -> bool {
        (value as &dyn Any).is::<String>() || is_written_as::<Self, T>(bytes, value, scratch)
    }
}
