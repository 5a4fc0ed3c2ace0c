use rusqlite::{Connection, TransactionBehavior};

use super::fault::fault;
use crate::error::Error;

/// The id that marks an SQLite file as a log: "LSYL".
const APPLICATION: i32 = 0x4c53_594c;

/// The tables of a log.
pub(in crate::log) struct Schema {
    /// The version of the tables and of the values in them. It rises with every change that older
    /// builds cannot read.
    pub(in crate::log) version: i32,
    /// All tables and indices, sorted by name, as SQLite stores their definitions.
    pub(in crate::log) tables: &'static [(&'static str, &'static str)],
    /// The tables with a tally of their own.
    pub(in crate::log) tallied: &'static [&'static str],
}

/// Returns whether the file is empty. Fails if it is not empty and not a log that this build knows.
/// Changes nothing.
pub(super) fn is_new(connection: &Connection, schema: &Schema) -> Result<bool, Error> {
    let kept = number(connection, "application_id")?;
    let version = number(connection, "user_version")?;
    if (kept, version) == (0, 0) && tables(connection)?.is_empty() {
        return Ok(true);
    }
    if kept != APPLICATION {
        return Err(Error::unsupported(
            "the file is an SQLite database of another program; choose another file for the log",
        ));
    }
    let reads = schema.version;
    if version > reads {
        return Err(Error::unsupported(format!(
            "the log has format version {version}, this build reads version {reads}; use a newer \
             build. The file is unchanged"
        )));
    }
    if (1..reads).contains(&version) {
        return Err(Error::unsupported(format!(
            "the log has format version {version}, which was never released; this build reads \
             version {reads}. The file is unchanged"
        )));
    }
    let known = schema.tables.iter();
    let known = known.map(|(name, sql)| ((*name).to_owned(), (*sql).to_owned()));
    if version != reads || !tables(connection)?.into_iter().eq(known) {
        return Err(Error::damaged_file(
            "the list of tables does not match its format version",
        ));
    }
    Ok(false)
}

/// Creates the tables.
pub(super) fn create(connection: &mut Connection, schema: &Schema) -> Result<(), Error> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(fault)?;
    // Another process may have created them first.
    if tables(&transaction)?.is_empty() {
        // Create tables before their indices.
        for wanted in ["CREATE TABLE", "CREATE INDEX"] {
            for (_, sql) in schema
                .tables
                .iter()
                .filter(|(_, sql)| sql.starts_with(wanted))
            {
                transaction.execute_batch(sql).map_err(fault)?;
            }
        }
        super::tally::create(&transaction, schema.tallied)?;
        let pragma = |name, value| transaction.pragma_update(None, name, value);
        pragma("application_id", APPLICATION).map_err(fault)?;
        pragma("user_version", schema.version).map_err(fault)?;
    }
    transaction.commit().map_err(fault)
}

fn number(connection: &Connection, pragma: &str) -> Result<i32, Error> {
    connection
        .pragma_query_value(None, pragma, |row| row.get(0))
        .map_err(fault)
}

/// Returns the names and definitions of all tables and indices.
fn tables(connection: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut query = connection
        .prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
        .map_err(fault)?;
    let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.and_then(Iterator::collect).map_err(fault)
}
