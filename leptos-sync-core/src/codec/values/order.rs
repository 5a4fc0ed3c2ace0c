//! Hashed collections are rejected by their type.
//!
//! A table of few elements often encodes to the same bytes after decoding, so comparing the bytes
//! rejects it only sometimes, and another replica would quarantine what was accepted.

use std::any::type_name;

use super::fault::Fault;

/// The beginnings of the names of the standard library's hashed collections, and of the crate that
/// implements them, with their iterators.
const HASHED: [&str; 2] = ["std::collections::hash", "hashbrown::"];

/// Checks that `I` is not a hashed collection or an iterator over one.
///
/// Serde passes the collection itself to a serializer. The standard library does not guarantee what
/// `type_name` returns; if the names change, a test fails.
#[inline]
pub(super) fn check<I>() -> Result<(), Fault> {
    let name = type_name::<I>();
    let bare = name.trim_start_matches('&');
    match HASHED.iter().any(|hashed| bare.starts_with(hashed)) {
        true => Err(no_order(bare)),
        false => Ok(()),
    }
}

#[cold]
fn no_order(name: &str) -> Fault {
    Fault::value(format!(
        "a `{name}` has no fixed order, so it cannot be part of a value; use `BTreeMap` or `BTreeSet`"
    ))
}
