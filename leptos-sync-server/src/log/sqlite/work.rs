use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{bindings, cells, heads, register, trust::Trust};
use crate::error::Error;

/// A write operation and the channel for its answer.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The replica ids that are bound to another user. Empty for all operations but [`Work::Bind`].
pub(super) type Answer = Result<Vec<ReplicaId>, Error>;

/// A write operation. The writer may run it again if a transaction failed.
pub(super) enum Work {
    Append {
        document: String,
        deltas: Vec<Delta>,
    },
    Claim {
        document: String,
        upto: VersionVector,
    },
    Forget {
        document: String,
        before: Time,
    },
    Bind {
        replicas: Vec<ReplicaId>,
        user: String,
    },
    Remove {
        document: String,
    },
}

/// The result of an operation, with the work that remains after the commit.
pub(super) enum Done {
    Answer(Vec<ReplicaId>),
    /// The tombstones within the horizon must be removed before the answer.
    Forget,
    /// The document was removed from the register. Its cells must be removed.
    Removed,
}

impl Work {
    /// Returns the document that the operation concerns.
    pub(super) fn document(&self) -> Option<&str> {
        match self {
            Self::Append { document, .. }
            | Self::Claim { document, .. }
            | Self::Forget { document, .. }
            | Self::Remove { document } => Some(document),
            Self::Bind { .. } => None,
        }
    }

    /// Returns the approximate size of the cells.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { deltas, .. } => deltas.iter().map(Delta::bytes).sum(),
            _ => 0,
        }
    }

    /// Runs the operation within a savepoint.
    pub(super) fn perform(&self, connection: &Connection, trust: &Trust) -> Result<Done, Error> {
        // Damage may have been found after this operation was queued.
        if let (Some(document), false) = (self.document(), matches!(self, Self::Remove { .. })) {
            trust.check(document)?;
        }
        match self {
            Self::Append { document, deltas } => append(connection, trust, document, deltas)?,
            Self::Claim { document, upto } => {
                let id = find_or_create(connection, trust, document)?;
                let mut stored = heads::load(connection, id)?;
                stored.head.claim(upto)?;
                heads::store(connection, id, &stored)?;
            }
            Self::Forget { document, before } => {
                if let Some(id) = trust.find(connection, document)? {
                    let mut stored = heads::load(connection, id)?;
                    stored.head.forget(*before);
                    heads::store(connection, id, &stored)?;
                    return Ok(Done::Forget);
                }
            }
            Self::Bind { replicas, user } => {
                let intact = trust.bindings_are_intact();
                return bindings::bind(connection, intact, replicas, user).map(Done::Answer);
            }
            Self::Remove { document } => {
                if !register::has(connection, document)? {
                    // A document whose name is damaged must not be reported as absent.
                    trust.find(connection, document)?;
                }
                register::remove(connection, document)?;
                return Ok(Done::Removed);
            }
        }
        Ok(Done::Answer(Vec::new()))
    }
}

fn append(
    connection: &Connection,
    trust: &Trust,
    document: &str,
    deltas: &[Delta],
) -> Result<(), Error> {
    let id = find_or_create(connection, trust, document)?;
    let mut stored = heads::load(connection, id)?;
    for delta in deltas {
        stored.head.check(delta)?;
        cells::join(
            connection,
            id,
            delta,
            &stored.head.version,
            &mut stored.cells,
        )?;
        stored.head.take(delta);
    }
    heads::store(connection, id, &stored)
}

fn find_or_create(connection: &Connection, trust: &Trust, document: &str) -> Result<i64, Error> {
    match trust.find(connection, document)? {
        Some(id) => Ok(id),
        None => register::create(connection, document),
    }
}

/// Background work that runs in steps between commits.
pub(super) enum Chore {
    /// Removes tombstones within a document's horizon.
    Forget {
        document: String,
        answer: oneshot::Sender<Answer>,
    },
    /// Removes cells of removed documents.
    Clear,
}

impl Chore {
    /// Runs one step within a transaction. Returns whether there may be more.
    pub(super) fn step(&self, connection: &Connection, trust: &Trust) -> Result<bool, Error> {
        match self {
            Self::Forget { document, .. } => {
                let Some(id) = trust.find(connection, document)? else {
                    return Ok(false);
                };
                let mut stored = heads::load(connection, id)?;
                let horizon = &stored.head.horizon;
                let more = cells::forget(connection, id, horizon, &mut stored.cells)?;
                heads::store(connection, id, &stored)?;
                Ok(more)
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
