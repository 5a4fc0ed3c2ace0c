//! The user and the head of each replica id that wrote a document.

use leptos_sync_core::{
    ReplicaId, Time,
    history::{EntryHash, IdHead},
};
use rusqlite::{Connection, Row, params};

use super::record::Table;
use crate::{
    error::Error,
    limits,
    log::database::{Checksum, Tally, damaged, fault, from_sql, to_sql},
};

/// The record of a replica id that has written a document.
#[derive(Clone, Copy)]
pub(super) struct StoredId {
    pub(super) replica: ReplicaId,
    /// The number of the user.
    pub(super) user: i64,
    pub(super) head: IdHead,
}

impl StoredId {
    fn checksum(&self, document: i64) -> i64 {
        Checksum::of(Table::Ids as u64)
            .number(document)
            .number(to_sql(self.replica.get()))
            .number(self.user)
            .number(self.head.number.cast_signed())
            .number(to_sql(self.head.hash.get()))
            .number(to_sql(self.head.time.get()))
            .number(self.head.emptied.cast_signed())
            .finish()
    }

    /// Reads the id in a row, and verifies its checksum.
    fn read(document: i64, row: &Row<'_>) -> Result<Self, Error> {
        let number = |at: usize| row.get::<_, i64>(at).map_err(fault);
        let id = Self {
            replica: ReplicaId::new(from_sql(number(0)?)),
            user: number(1)?,
            head: IdHead {
                number: number(2)?.cast_unsigned(),
                hash: EntryHash::new(from_sql(number(3)?)),
                time: Time::new(from_sql(number(4)?)),
                emptied: number(5)?.cast_unsigned(),
            },
        };
        if number(7)? != document || id.checksum(document) != number(6)? {
            return Err(damaged());
        }
        Ok(id)
    }
}

/// Finds an id of a document that was audited.
pub(super) fn find(
    connection: &Connection,
    document: i64,
    replica: ReplicaId,
) -> Result<Option<StoredId>, Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT replica, user, number, hash, time, emptied, checksum, document FROM ids
             WHERE document = ?1 AND replica = ?2",
        )
        .map_err(fault)?;
    let mut rows = query
        .query(params![document, to_sql(replica.get())])
        .map_err(fault)?;
    match rows.next().map_err(fault)? {
        Some(row) => StoredId::read(document, row).map(Some),
        None => Ok(None),
    }
}

/// Stores an id, in place of `old`.
pub(super) fn store(
    connection: &Connection,
    document: i64,
    old: Option<&StoredId>,
    new: &StoredId,
    tally: &mut Tally,
) -> Result<(), Error> {
    let checksum = new.checksum(document);
    connection
        .prepare_cached(
            "INSERT INTO ids (document, replica, user, number, hash, time, emptied, checksum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (document, replica) DO UPDATE SET
                 user = excluded.user, number = excluded.number, hash = excluded.hash,
                 time = excluded.time, emptied = excluded.emptied, checksum = excluded.checksum",
        )
        .and_then(|mut upsert| {
            upsert.execute(params![
                document,
                to_sql(new.replica.get()),
                new.user,
                new.head.number.cast_signed(),
                to_sql(new.head.hash.get()),
                to_sql(new.head.time.get()),
                new.head.emptied.cast_signed(),
                checksum
            ])
        })
        .map_err(fault)?;
    if let Some(old) = old {
        tally.remove(old.checksum(document));
    }
    tally.add(checksum);
    Ok(())
}

/// Returns the tally of a document's ids. Checks that they are in strict order, and that a search
/// finds each. O(ids).
pub(super) fn audit(connection: &Connection, document: i64) -> Result<Tally, Error> {
    let mut query = connection
        .prepare_cached(
            "SELECT replica, user, number, hash, time, emptied, checksum, document,
                 EXISTS (SELECT 1 FROM ids AS searched
                     WHERE searched.document = ?1 AND searched.replica = ids.replica)
             FROM ids WHERE document = ?1 ORDER BY replica",
        )
        .map_err(fault)?;
    let mut rows = query.query([document]).map_err(fault)?;
    let (mut tally, mut last): (Tally, Option<ReplicaId>) = Default::default();
    while let Some(row) = rows.next().map_err(fault)? {
        let id = StoredId::read(document, row)?;
        let is_found: bool = row.get(8).map_err(fault)?;
        if !is_found || last.is_some_and(|last| last >= id.replica) {
            return Err(damaged());
        }
        tally.add(id.checksum(document));
        last = Some(id.replica);
    }
    Ok(tally)
}

/// Removes ids of a removed document, at most [`limits::STEP_CELLS`]. Returns the number of ids.
pub(super) fn clear(connection: &Connection, document: i64) -> Result<usize, Error> {
    connection
        .prepare_cached(
            "DELETE FROM ids WHERE document = ?1 AND replica IN
                 (SELECT replica FROM ids WHERE document = ?1 LIMIT ?2)",
        )
        .and_then(|mut delete| delete.execute(params![document, limits::STEP_CELLS as i64]))
        .map_err(fault)
}
