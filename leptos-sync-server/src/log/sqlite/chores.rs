use std::collections::VecDeque;

use leptos_sync_core::Delta;
use rusqlite::Connection;

use super::{
    cells,
    heads::{self, StoredHead},
    trust::Trust,
};
use crate::error::Error;

/// Background work that runs in steps between commits.
pub(super) enum Chore {
    /// Removes tombstones within a document's horizon.
    Forget { document: String },
    /// Joins the parts of a large delta. The version rises with the last one.
    Join {
        document: String,
        /// The document's number. If the document has another number now, it was removed meanwhile.
        id: i64,
        parts: VecDeque<Delta>,
    },
    /// Removes cells of removed documents.
    Clear,
}

impl Chore {
    /// Runs one step within a transaction. Returns whether there may be more.
    pub(super) fn step(&mut self, connection: &Connection, trust: &Trust) -> Result<bool, Error> {
        match self {
            Self::Forget { document } => {
                let Some(id) = trust.find(connection, document)? else {
                    return Ok(false);
                };
                let mut stored = heads::load(connection, id)?;
                let horizon = &stored.head.horizon;
                let more = cells::forget(connection, id, horizon, &mut stored.cells)?;
                heads::store(connection, id, &stored)?;
                Ok(more)
            }
            Self::Join {
                document,
                id,
                parts,
            } => {
                trust.damage.check(document)?;
                if trust.find(connection, document)? != Some(*id) {
                    return Err(Error::unavailable(
                        "the document was removed while a large delta was stored; send it again",
                    ));
                }
                join_part(connection, *id, parts)
            }
            Self::Clear => match cells::to_clear(connection)? {
                Some(id) => {
                    cells::clear(connection, id)?;
                    Ok(true)
                }
                None => Ok(false),
            },
        }
    }
}

/// Joins the first of the remaining parts. Returns whether there are more.
fn join_part(connection: &Connection, id: i64, parts: &mut VecDeque<Delta>) -> Result<bool, Error> {
    let Some(part) = parts.front() else {
        return Ok(false);
    };
    let mut stored = heads::load(connection, id)?;
    stored.head.check(part)?;
    let StoredHead { head, cells } = &mut stored;
    cells::join(connection, id, part, &head.version, cells)?;
    match parts.len() {
        1 => head.take(part),
        _ => head.present.join(part.cells_upto()),
    }
    heads::store(connection, id, &stored)?;
    parts.pop_front();
    Ok(!parts.is_empty())
}
