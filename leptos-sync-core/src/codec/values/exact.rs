//! What is written can be read, and is written the same again.
//!
//! A type's `Serialize` and `Deserialize` need not agree: serde's attributes `tag`, `untagged` and
//! `flatten` write what only a self-describing format can read, and a hash map writes its entries
//! in an order of its own. So a value of a type that is not known is tried: encoded, decoded, and
//! encoded again. That costs about three times as much as encoding it.

use std::any::{TypeId, type_name};

use serde::{Serialize, de::DeserializeOwned};

use super::{decode, write};
use crate::error::Error;

/// Appends the encoded `value` to `out`, if it can be read back and encodes to the same bytes then.
///
/// # Errors
///
/// [`Error::is_value`] when it does not, or cannot be encoded; [`Error::is_limit`] when it is
/// nested too deep. What was appended is then unspecified.
pub fn encode_checked<T>(value: &T, out: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    write_checked(value, false, out)
}

/// Checks that a map's value can be written and read. Costs nothing for plain types: scalars,
/// strings, and options and vectors of them. `scratch` keeps what it holds.
///
/// # Errors
///
/// As for [`encode_checked`].
#[inline]
pub(crate) fn check<T>(value: &T, scratch: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    check_as(value, false, scratch)
}

/// Checks a key as [`check`] does a value.
///
/// # Errors
///
/// As for [`encode_checked`].
#[inline]
pub(crate) fn check_key<K>(key: &K, scratch: &mut Vec<u8>) -> Result<(), Error>
where
    K: Serialize + DeserializeOwned + 'static,
{
    check_as(key, true, scratch)
}

/// Decodes the value that `bytes` encode, as [`decode`] does, and refuses other bytes than those
/// that it encodes to. So a typed view holds only values whose bytes are those of their cells.
///
/// # Errors
///
/// As for [`decode`].
#[inline]
pub(crate) fn decode_exact<T>(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<T, Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    decode_as(bytes, false, scratch)
}

/// Decodes a key as [`decode_exact`] does a value: a relay, which knows no types, would take other
/// bytes for another key.
///
/// # Errors
///
/// As for [`decode`].
#[inline]
pub(crate) fn decode_key<K>(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<K, Error>
where
    K: Serialize + DeserializeOwned + 'static,
{
    decode_as(bytes, true, scratch)
}

#[inline]
fn check_as<T>(value: &T, is_key: bool, scratch: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if is_plain::<T>() {
        return Ok(());
    }
    let before = scratch.len();
    let checked = write_checked(value, is_key, scratch);
    scratch.truncate(before);
    checked
}

#[inline]
fn decode_as<T>(bytes: &[u8], is_key: bool, scratch: &mut Vec<u8>) -> Result<T, Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    let value = decode::<T>(bytes)?;
    if is_plain::<T>() {
        return Ok(value);
    }
    scratch.clear();
    match write(&value, is_key, scratch) {
        Ok(()) if scratch == bytes => Ok(value),
        _ => Err(Error::value(
            "the bytes are not those that this build writes for the value",
        )),
    }
}

fn write_checked<T>(value: &T, is_key: bool, out: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    let start = out.len();
    write(value, is_key, out)?;
    if is_plain::<T>() {
        return Ok(());
    }
    let end = out.len();
    let read = decode::<T>(out.get(start..).unwrap_or_default())
        .map_err(|error| unreadable(type_name::<T>(), &error))?;
    let again = write(&read, is_key, out);
    let (first, second) = out.split_at(end);
    let is_same = again.is_ok() && first.get(start..) == Some(second);
    out.truncate(end);
    match is_same {
        true => Ok(()),
        false => Err(unstable(type_name::<T>())),
    }
}

#[cold]
fn unreadable(name: &str, error: &Error) -> Error {
    Error::value(format!(
        "a `{name}` can be written and not be read back: {error}"
    ))
}

#[cold]
fn unstable(name: &str) -> Error {
    Error::value(format!(
        "a `{name}` is another value once it was written and read, or is written in another order; use `BTreeMap` and \
         `BTreeSet` in place of `HashMap` and `HashSet`, and let `Serialize` and `Deserialize` agree"
    ))
}

/// Whether values of this type are known to be read as they were written. Known when the code is
/// compiled.
#[inline]
fn is_plain<T: 'static>() -> bool {
    fn is<T: 'static, P: 'static>() -> bool {
        let of = TypeId::of::<T>();
        of == TypeId::of::<P>() || of == TypeId::of::<Option<P>>() || of == TypeId::of::<Vec<P>>()
    }
    macro_rules! any {
        ($($plain:ty),+) => { false $(|| is::<T, $plain>())+ };
    }
    any!(
        String,
        bool,
        char,
        (),
        u8,
        u16,
        u32,
        u64,
        u128,
        usize,
        i8,
        i16,
        i32,
        i64,
        i128,
        isize,
        f32,
        f64
    )
}
