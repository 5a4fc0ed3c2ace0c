//! Key prefixes of named items: a letter for the kind, the length of the name, and the name.

use crate::{error::Error, limits};

/// Returns the key prefix of the item called `name`, which no other item shares.
///
/// # Errors
///
/// [`Error::is_limit`] if the name is empty or longer than [`limits::NAME_BYTES`].
pub(crate) fn prefix(kind: u8, name: &str) -> Result<Vec<u8>, Error> {
    if name.is_empty() {
        return Err(Error::limit("the name is empty; choose a name"));
    }
    if name.len() > limits::NAME_BYTES {
        let (bytes, advice) = (name.len() as u64, "use a shorter name");
        return Err(Error::too_large("name", bytes, limits::NAME_BYTES, advice));
    }
    let mut prefix = vec![kind];
    // A length within the limit fits into two bytes. The fixed width ensures that no prefix is a
    // prefix of another one.
    prefix.extend_from_slice(&(name.len() as u16).to_be_bytes());
    prefix.extend_from_slice(name.as_bytes());
    Ok(prefix)
}

/// Returns the prefix of a key whose kind is `kind`.
pub(crate) fn prefix_of(kind: u8, key: &[u8]) -> Option<&[u8]> {
    let (length, _) = key.strip_prefix(&[kind])?.split_first_chunk()?;
    key.get(..3 + usize::from(u16::from_be_bytes(*length)))
}
