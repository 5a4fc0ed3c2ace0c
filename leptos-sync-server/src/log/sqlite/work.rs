use std::collections::VecDeque;

use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{
    bindings, cells,
    heads::{self, StoredHead},
    register,
    trust::Trust,
};
use crate::{error::Error, log::replicas};

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
    /// Empties SQLite's write-ahead log, after the commit.
    Tidy,
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

impl Work {
    /// Returns the document that the operation concerns.
    pub(super) fn document(&self) -> Option<&str> {
        match self {
            Self::Append { document, .. }
            | Self::Parts { document, .. }
            | Self::Claim { document, .. }
            | Self::Forget { document, .. }
            | Self::Remove { document } => Some(document),
            Self::Bind { .. } | Self::Tidy => None,
        }
    }

    /// Returns the approximate size of the cells.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { deltas, .. } => deltas.iter().map(Delta::bytes).sum(),
            _ => 0,
        }
    }

    /// Returns the number of cells.
    pub(super) fn cells(&self) -> usize {
        match self {
            Self::Append { deltas, .. } => deltas.iter().map(Delta::len).sum(),
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
                if !register::has(connection, document)? {
                    // A document whose name is damaged must not be reported as absent.
                    trust.find(connection, document)?;
                }
                register::remove(connection, document)?;
                return Ok(Done::Removed);
            }
            Self::Tidy => {}
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

/// Background work that runs in steps between commits.
pub(super) enum Chore {
    /// Removes tombstones within a document's horizon.
    Forget {
        document: String,
        answer: oneshot::Sender<Answer>,
    },
    /// Joins the parts of a large delta. The version rises with the last one.
    Join {
        document: String,
        /// The document's number. If the document has another number now, it was removed meanwhile.
        id: i64,
        parts: VecDeque<Delta>,
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
            Self::Join {
                document,
                id,
                parts,
                ..
            } => {
                trust.check(document)?;
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

    /// Prepares the next step after a step was committed.
    pub(super) fn advance(&mut self) {
        if let Self::Join { parts, .. } = self {
            parts.pop_front();
        }
    }

    /// Returns whether the work must end before the log is closed. Other work continues at the next
    /// start.
    pub(super) fn is_append(&self) -> bool {
        matches!(self, Self::Join { .. })
    }

    /// Returns the document and the channel for the answer, if a caller waits for an answer.
    pub(super) fn into_answer(self) -> Option<(String, oneshot::Sender<Answer>)> {
        match self {
            Self::Forget { document, answer }
            | Self::Join {
                document, answer, ..
            } => Some((document, answer)),
            Self::Clear => None,
        }
    }
}

/// Joins the first of the remaining parts. Returns whether there are more.
fn join_part(connection: &Connection, id: i64, parts: &VecDeque<Delta>) -> Result<bool, Error> {
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
    Ok(parts.len() > 1)
}
