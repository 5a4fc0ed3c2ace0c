//! Durable storage for documents.

#[cfg(feature = "sqlite")]
mod database;
mod seal;
pub(crate) mod v2;

use crate::{error::Error, limits};

#[cfg(feature = "sqlite")]
pub use database::SqliteOptions;
pub use seal::SealKey;

/// Rejects a document name that is too long.
fn check_name(document: &str) -> Result<(), Error> {
    check_length("document", document, limits::NAME_BYTES)
}

/// Rejects a user name that is too long.
fn check_user(user: &str) -> Result<(), Error> {
    check_length("user", user, limits::USER_BYTES)
}

/// Returns the length of a page for a requested length of `most`.
fn listed(most: usize) -> usize {
    most.clamp(1, limits::LISTED)
}

fn check_length(what: &str, name: &str, limit: usize) -> Result<(), Error> {
    if name.len() <= limit {
        return Ok(());
    }
    Err(Error::limit(format!(
        "{what} name is {} bytes, the limit is {limit}; use a shorter name",
        name.len()
    )))
}
