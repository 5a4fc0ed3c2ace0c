//! Checks that every value can be read back when it is written, and encodes to the same bytes
//! again.
//!
//! `Serialize` and `Deserialize` of a type may disagree: serde's attributes `tag`, `untagged` and
//! `flatten` produce values that only a self-describing format can read. So a value is encoded,
//! decoded, and encoded again. That costs about four times as much as encoding alone. Plain types
//! skip it.

use std::any::{TypeId, type_name};

use serde::{Serialize, de::DeserializeOwned};

use super::{decode, write};
use crate::{
    clock::Stamp,
    error::Error,
    id::{Id, ReplicaId},
};

/// Appends the encoded `value` to `out`, and checks that it can be read back.
///
/// # Errors
///
/// - [`Error::is_value`] if the value cannot be encoded, cannot be decoded, or encodes to different
///   bytes after decoding.
/// - [`Error::is_limit`] if it is nested too deeply.
///
/// After an error, the bytes appended to `out` are unspecified.
pub fn encode_checked<T>(value: &T, out: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    write_checked(value, false, out).map(drop)
}

/// Checks that a value can be read back. Costs nothing for plain types: scalars, strings, ids,
/// stamps, and options and vectors of them. The content of `scratch` is preserved.
///
/// # Errors
///
/// Those of [`encode_checked`].
#[inline]
pub(crate) fn check<T>(value: &T, scratch: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    check_as(value, false, scratch).map(drop)
}

/// Checks that a key can be read back, like [`check`], and that what is read equals the key.
/// Otherwise a map could have two entries in memory that are one cell.
///
/// # Errors
///
/// The errors of [`encode_checked`], and [`Error::is_value`] if what is read differs from the key.
#[inline]
pub(crate) fn check_key<K>(key: &K, scratch: &mut Vec<u8>) -> Result<(), Error>
where
    K: Serialize + DeserializeOwned + PartialEq + 'static,
{
    match check_as(key, true, scratch)? {
        Some(read) if read != *key => Err(partial(type_name::<K>())),
        _ => Ok(()),
    }
}

/// Decodes a value, and checks that it encodes to the same bytes. So a typed view holds only values
/// that encode to the bytes of their cells.
///
/// # Errors
///
/// [`Error::is_value`] if the bytes do not decode, or the value encodes to different bytes.
#[inline]
pub(crate) fn decode_exact<T>(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<T, Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    decode_as(bytes, false, scratch)
}

/// Decodes a key, like [`decode_exact`]. A relay does not know types, so it would treat different
/// bytes as another key.
///
/// # Errors
///
/// Those of [`decode_exact`].
#[inline]
pub(crate) fn decode_key<K>(bytes: &[u8], scratch: &mut Vec<u8>) -> Result<K, Error>
where
    K: Serialize + DeserializeOwned + 'static,
{
    decode_as(bytes, true, scratch)
}

/// Checks a value. Returns what was read, unless the type is plain.
#[inline]
fn check_as<T>(value: &T, is_key: bool, scratch: &mut Vec<u8>) -> Result<Option<T>, Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    if is_plain::<T>() {
        return Ok(None);
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
            "this build would encode the value to other bytes",
        )),
    }
}

/// Encodes and checks a value. Returns what was read, unless the type is plain.
fn write_checked<T>(value: &T, is_key: bool, out: &mut Vec<u8>) -> Result<Option<T>, Error>
where
    T: Serialize + DeserializeOwned + 'static,
{
    let start = out.len();
    write(value, is_key, out)?;
    if is_plain::<T>() {
        return Ok(None);
    }
    let end = out.len();
    let read = decode::<T>(out.get(start..).unwrap_or_default())
        .map_err(|error| unreadable(type_name::<T>(), &error))?;
    let again = write(&read, is_key, out);
    let (first, second) = out.split_at(end);
    let is_same = again.is_ok() && first.get(start..) == Some(second);
    out.truncate(end);
    match is_same {
        true => Ok(Some(read)),
        false => Err(unstable(type_name::<T>())),
    }
}

#[cold]
fn partial(name: &str) -> Error {
    Error::value(format!(
        "a `{name}` differs from what is read back, so it cannot be the key of an entry; store every field that `Eq` \
         compares"
    ))
}

#[cold]
fn unreadable(name: &str, error: &Error) -> Error {
    Error::value(format!(
        "a `{name}` cannot be read back once it is written: {error}"
    ))
}

#[cold]
fn unstable(name: &str) -> Error {
    Error::value(format!(
        "a `{name}` changes when it is written and read back; use `BTreeMap` and `BTreeSet` instead of \
         hashed collections, and make its `Serialize` and `Deserialize` agree"
    ))
}

/// Returns whether values of this type are known to be read back unchanged. The compiler evaluates
/// it to a constant.
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
        f64,
        Id,
        ReplicaId,
        Stamp
    )
}
