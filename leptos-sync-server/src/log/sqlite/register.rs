//! The register of documents, which maps each name to the number in the document's records.

use rusqlite::Connection;

use super::{
    heads::{self, StoredHead},
    record::Table,
};
use crate::{
    error::Error,
    log::database::{Names, Removal, fault, names},
};

/// The names of all documents.
pub(super) const DOCUMENTS: Names = names!("documents", Table::Documents as u64);

/// Creates a document without cells. The name must be unused.
pub(super) fn create(connection: &Connection, name: &str) -> Result<i64, Error> {
    let id = DOCUMENTS.add(connection, name)?;
    heads::create(connection, id, &StoredHead::default())?;
    Ok(id)
}

/// Removes a document from the register, even if it is damaged. Its cells stay under a number that
/// is never reused.
pub(super) fn remove(connection: &Connection, name: &str) -> Result<(), Error> {
    let Removal::Removed(Some(id)) = DOCUMENTS.remove(connection, name)? else {
        // A damaged number may be that of another document, so keep the records with this number.
        return Ok(());
    };
    connection
        .prepare_cached("DELETE FROM heads WHERE document = ?1")
        .and_then(|mut delete| delete.execute([id]))
        .map_err(fault)?;
    connection
        .prepare_cached("INSERT INTO removed VALUES (?1)")
        .and_then(|mut insert| insert.execute([id]))
        .map_err(fault)?;
    Ok(())
}
