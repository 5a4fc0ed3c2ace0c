//! What is kept under a name: keys that start with a letter for its kind and the name behind its length.

use crate::{error::Error, limits};

/// What all keys of the thing called `name` start with, and no other thing's.
///
/// # Errors
///
/// [`Error::is_limit`] when the name is empty or longer than [`limits::NAME_BYTES`].
pub(crate) fn prefix(kind: u8, name: &str) -> Result<Vec<u8>, Error> {
    if name.is_empty() {
        return Err(Error::limit("what is stored must have a name"));
    }
    if name.len() > limits::NAME_BYTES {
        let (bytes, advice) = (name.len() as u64, "choose a shorter one");
        return Err(Error::too_large("name", bytes, limits::NAME_BYTES, advice));
    }
    let mut prefix = vec![kind];
    // The bound fits two bytes; a fixed width keeps one name from being the start of another.
    prefix.extend_from_slice(&(name.len() as u16).to_be_bytes());
    prefix.extend_from_slice(name.as_bytes());
    Ok(prefix)
}
