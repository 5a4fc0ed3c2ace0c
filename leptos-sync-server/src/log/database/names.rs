use rusqlite::{Connection, OptionalExtension, params};

use super::{
    fault::fault,
    record::{Checksum, damaged},
    tally::{StoredTally, Tally},
};
use crate::error::Error;

/// A table of names with numbers, which other records use instead of the names. The table has its
/// own tally, and numbers are never used again.
pub(in crate::log) struct Names {
    table: &'static str,
    /// The number of the table, which seeds its checksums.
    seed: u64,
    find: &'static str,
    has: &'static str,
    list: &'static str,
    insert: &'static str,
    delete: &'static str,
    walk: &'static str,
}

/// The outcome of removing a name.
pub(in crate::log) enum Removal {
    /// There was no record with this name.
    Absent,
    /// The record was removed. The number is known unless the record was damaged.
    Removed(Option<i64>),
}

impl Names {
    /// Returns the number of a name, or `None` if it is not listed.
    pub(in crate::log) fn find(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<Option<i64>, Error> {
        let found: Option<(i64, i64)> = connection
            .prepare_cached(self.find)
            .and_then(|mut query| {
                query
                    .query_row([name.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(fault)?;
        match found {
            Some((id, sum)) if sum == self.checksum(name.as_bytes(), id) => Ok(Some(id)),
            Some(_) => Err(damaged()),
            None => Ok(None),
        }
    }

    /// Returns whether a record with this name exists, intact or damaged.
    pub(in crate::log) fn has(&self, connection: &Connection, name: &str) -> Result<bool, Error> {
        connection
            .prepare_cached(self.has)
            .and_then(|mut query| query.exists([name.as_bytes()]))
            .map_err(fault)
    }

    /// Lists up to `most` names after `after`, in byte order.
    ///
    /// Skips damaged records, even if they are out of order. So each name is greater than the one
    /// before, and a walk over all pages ends.
    pub(in crate::log) fn list(
        &self,
        connection: &Connection,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<String>, Error> {
        // Start at the least name greater than `after`.
        let from = after.map_or_else(Vec::new, |after| [after.as_bytes(), &[0]].concat());
        let mut query = connection.prepare_cached(self.list).map_err(fault)?;
        let mut rows = query.query([&*from]).map_err(fault)?;
        let mut names: Vec<String> = Vec::new();
        while names.len() < most
            && let Some(row) = rows.next().map_err(fault)?
        {
            let columns = || Ok::<_, rusqlite::Error>((row.get(0)?, row.get(1)?, row.get(2)?));
            let Ok((name, id, sum)): Result<(Vec<u8>, i64, i64), _> = columns() else {
                continue;
            };
            let rises = match names.last() {
                Some(last) => *name > *last.as_bytes(),
                None => name >= from,
            };
            if rises && sum == self.checksum(&name, id) {
                names.extend(String::from_utf8(name).ok());
            }
        }
        Ok(names)
    }

    /// Adds a name, which must be unused. Returns its number.
    pub(in crate::log) fn add(&self, connection: &Connection, name: &str) -> Result<i64, Error> {
        let mut stored = StoredTally::load(connection, self.table)?;
        let id = stored.next;
        self.insert(connection, name, id, &mut stored)?;
        stored.next += 1;
        stored.store(connection, self.table)?;
        Ok(id)
    }

    /// Adds a name, which must be unused, with a number that it had in another table.
    pub(in crate::log) fn add_as(
        &self,
        connection: &Connection,
        name: &str,
        id: i64,
    ) -> Result<(), Error> {
        let mut stored = StoredTally::load(connection, self.table)?;
        self.insert(connection, name, id, &mut stored)?;
        stored.next = stored.next.max(id + 1);
        stored.store(connection, self.table)
    }

    fn insert(
        &self,
        connection: &Connection,
        name: &str,
        id: i64,
        stored: &mut StoredTally,
    ) -> Result<(), Error> {
        let sum = self.checksum(name.as_bytes(), id);
        connection
            .prepare_cached(self.insert)
            .and_then(|mut insert| insert.execute(params![name.as_bytes(), id, sum]))
            .map_err(fault)?;
        stored.tally.add(sum);
        Ok(())
    }

    /// Removes a name, even if its record is damaged.
    pub(in crate::log) fn remove(
        &self,
        connection: &Connection,
        name: &str,
    ) -> Result<Removal, Error> {
        let found: Option<(i64, i64)> = connection
            .prepare_cached(self.delete)
            .and_then(|mut delete| {
                delete
                    .query_row([name.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
                    .optional()
            })
            .map_err(fault)?;
        let Some((id, sum)) = found else {
            return Ok(Removal::Absent);
        };
        let mut stored = StoredTally::load(connection, self.table)?;
        if sum != self.checksum(name.as_bytes(), id) {
            // The original record is unknown. If it was the only damaged one, the tally of the
            // others is the new tally.
            if let Some(rest) = self.walk(connection, stored.next)?
                && rest.records.checked_add(1) == Some(stored.tally.records)
            {
                stored.tally = rest;
                stored.store(connection, self.table)?;
            }
            // A damaged number may be that of another record.
            return Ok(Removal::Removed(None));
        }
        stored.tally.remove(sum);
        stored.store(connection, self.table)?;
        Ok(Removal::Removed(Some(id)))
    }

    /// Returns whether every name can be found: all records are intact, in order, and as many as
    /// the tally says. O(names).
    pub(in crate::log) fn is_intact(&self, connection: &Connection) -> Result<bool, Error> {
        let stored = StoredTally::load(connection, self.table)?;
        Ok(self.walk(connection, stored.next)? == Some(stored.tally))
    }

    /// Returns the tally of all records, or `None` if one is damaged or out of order.
    fn walk(&self, connection: &Connection, next: i64) -> Result<Option<Tally>, Error> {
        let mut query = connection.prepare(self.walk).map_err(fault)?;
        let mut rows = query.query([]).map_err(fault)?;
        let (mut tally, mut last): (Tally, Option<Vec<u8>>) = Default::default();
        while let Some(row) = rows.next().map_err(fault)? {
            let name: Vec<u8> = row.get(0).map_err(fault)?;
            let (id, sum): (i64, i64) = (row.get(1).map_err(fault)?, row.get(2).map_err(fault)?);
            let is_next = last.is_none_or(|last| last < name);
            if sum != self.checksum(&name, id) || id >= next || !is_next {
                return Ok(None);
            }
            tally.add(sum);
            last = Some(name);
        }
        Ok(Some(tally))
    }

    fn checksum(&self, name: &[u8], id: i64) -> i64 {
        Checksum::of(self.seed).bytes(name).number(id).finish()
    }

    /// Creates the access to a table. [`names`] creates its statements.
    pub(in crate::log) const fn new(
        table: &'static str,
        seed: u64,
        statements: [&'static str; 6],
    ) -> Self {
        let [find, has, list, insert, delete, walk] = statements;
        Self {
            table,
            seed,
            find,
            has,
            list,
            insert,
            delete,
            walk,
        }
    }
}

/// Returns the [`Names`] of a table.
macro_rules! names {
    ($table:literal, $seed:expr) => {
        $crate::log::database::Names::new(
            $table,
            $seed,
            [
                concat!("SELECT id, checksum FROM ", $table, " WHERE name = ?1"),
                concat!("SELECT 1 FROM ", $table, " WHERE name = ?1"),
                concat!(
                    "SELECT name, id, checksum FROM ",
                    $table,
                    " WHERE name >= ?1 ORDER BY name"
                ),
                concat!("INSERT INTO ", $table, " VALUES (?1, ?2, ?3)"),
                concat!(
                    "DELETE FROM ",
                    $table,
                    " WHERE name = ?1 RETURNING id, checksum"
                ),
                concat!("SELECT name, id, checksum FROM ", $table, " ORDER BY name"),
            ],
        )
    };
}
pub(in crate::log) use names;
