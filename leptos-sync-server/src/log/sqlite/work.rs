use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use rusqlite::Connection;

use super::{
    bindings, cells, heads,
    register::{self, DOCUMENTS},
    trust::Trust,
};
use crate::{
    error::Error,
    log::{database::Operation, replicas},
};

/// A write operation. The writer may run it again if a transaction failed.
pub(super) enum Work {
    Append {
        document: String,
        deltas: Vec<Delta>,
        /// The user to whom the replica ids of the deltas are bound.
        user: Option<String>,
    },
    /// Appends a delta that is too large for one commit.
    Parts {
        document: String,
        parts: Vec<Delta>,
        user: Option<String>,
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
    /// The bindings of replica ids are damaged, which does not concern the document.
    Failed(Error),
    /// The parts of a large delta must be joined into the document with this number before the
    /// answer.
    Parts(i64),
    /// The document was removed from the register. Its cells must be removed.
    Removed,
}

impl Operation for Work {
    fn document(&self) -> Option<&str> {
        match self {
            Self::Append { document, .. }
            | Self::Parts { document, .. }
            | Self::Claim { document, .. }
            | Self::Forget { document, .. }
            | Self::Remove { document } => Some(document),
            Self::Bind { .. } => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Append { deltas, .. } => deltas.iter().map(Delta::bytes).sum(),
            _ => 0,
        }
    }

    fn cells(&self) -> usize {
        match self {
            Self::Append { deltas, .. } => deltas.iter().map(Delta::len).sum(),
            _ => 0,
        }
    }
}

impl Work {
    /// Runs the operation within a savepoint.
    pub(super) fn perform(&self, connection: &Connection, trust: &Trust) -> Result<Done, Error> {
        // Damage may have been found after this operation was queued.
        if let (Some(document), false) = (self.document(), matches!(self, Self::Remove { .. })) {
            trust.damage.check(document)?;
        }
        match self {
            Self::Append {
                document,
                deltas,
                user,
            } => {
                if let Some(done) = bind(connection, trust, deltas, user.as_deref())? {
                    return Ok(done);
                }
                append(connection, trust, document, deltas)?;
            }
            Self::Parts {
                document,
                parts,
                user,
            } => {
                if let Some(done) = bind(connection, trust, parts, user.as_deref())? {
                    return Ok(done);
                }
                let id = find_or_create(connection, trust, document)?;
                return Ok(Done::Parts(id));
            }
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
                if !DOCUMENTS.has(connection, document)? {
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

/// Binds the replica ids in deltas to a user. If they cannot be bound, returns the result of the
/// operation.
fn bind(
    connection: &Connection,
    trust: &Trust,
    deltas: &[Delta],
    user: Option<&str>,
) -> Result<Option<Done>, Error> {
    let Some(user) = user else {
        return Ok(None);
    };
    let replicas = replicas(deltas);
    match bindings::bind(connection, trust.bindings_are_intact(), &replicas, user) {
        Ok(taken) if taken.is_empty() => Ok(None),
        Ok(taken) => Ok(Some(Done::Answer(taken))),
        Err(error) if error.is_damaged() => Ok(Some(Done::Failed(error.of_bindings()))),
        Err(error) => Err(error),
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
