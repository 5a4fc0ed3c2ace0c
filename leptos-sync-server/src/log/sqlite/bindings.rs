//! The user to which each replica id is bound.

use leptos_sync_core::ReplicaId;
use rusqlite::{Connection, OptionalExtension, params};

use super::record::Table;
use crate::{
    error::Error,
    log::database::{Checksum, StoredTally, Tally, damaged, fault, from_sql, to_sql},
};

/// The name of the table.
const TABLE: &str = "bindings";

fn checksum(replica: ReplicaId, user: &str) -> i64 {
    Checksum::of(Table::Bindings as u64)
        .number(to_sql(replica.get()))
        .bytes(user.as_bytes())
        .finish()
}

/// Binds the ids that are bound to no user.
///
/// Returns the ids that are bound to another user; if there are any, binds nothing. `intact` is
/// true if an id without a record is known to be unbound.
pub(super) fn bind(
    connection: &Connection,
    intact: bool,
    replicas: &[ReplicaId],
    user: &str,
) -> Result<Vec<ReplicaId>, Error> {
    let (mut free, mut taken) = (Vec::new(), Vec::new());
    for &replica in replicas {
        match find(connection, replica)? {
            Some(of) if of == user => {}
            Some(_) => taken.push(replica),
            None if !intact => return Err(damaged()),
            None if free.contains(&replica) => {}
            None => free.push(replica),
        }
    }
    if !taken.is_empty() || free.is_empty() {
        return Ok(taken);
    }
    let mut stored = StoredTally::load(connection, TABLE)?;
    for replica in free {
        let sum = checksum(replica, user);
        connection
            .prepare_cached("INSERT INTO bindings VALUES (?1, ?2, ?3)")
            .and_then(|mut insert| insert.execute(params![to_sql(replica.get()), user, sum]))
            .map_err(fault)?;
        stored.tally.add(sum);
    }
    stored.store(connection, TABLE)?;
    Ok(taken)
}

fn find(connection: &Connection, replica: ReplicaId) -> Result<Option<String>, Error> {
    let found: Option<(String, i64)> = connection
        .prepare_cached("SELECT user, checksum FROM bindings WHERE replica = ?1")
        .and_then(|mut query| {
            query
                .query_row([to_sql(replica.get())], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })
                .optional()
        })
        .map_err(fault)?;
    match found {
        Some((user, sum)) if sum == checksum(replica, &user) => Ok(Some(user)),
        Some(_) => Err(damaged()),
        None => Ok(None),
    }
}

/// Returns whether every binding can be found. O(bindings).
pub(super) fn is_intact(connection: &Connection) -> Result<bool, Error> {
    let stored = StoredTally::load(connection, TABLE)?;
    let mut query = connection
        .prepare("SELECT replica, user, checksum FROM bindings ORDER BY replica")
        .map_err(fault)?;
    let mut rows = query.query([]).map_err(fault)?;
    let (mut tally, mut last): (Tally, Option<i64>) = Default::default();
    while let Some(row) = rows.next().map_err(fault)? {
        let (replica, sum): (i64, i64) = (row.get(0).map_err(fault)?, row.get(2).map_err(fault)?);
        let user: String = row.get(1).map_err(fault)?;
        let expected = checksum(ReplicaId::new(from_sql(replica)), &user);
        if sum != expected || last.is_some_and(|last| last >= replica) {
            return Ok(false);
        }
        tally.add(sum);
        last = Some(replica);
    }
    Ok(tally == stored.tally)
}
