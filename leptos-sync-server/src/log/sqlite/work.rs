use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::{bindings, cells, heads, register, trust::Trust};
use crate::error::Error;

/// Something to write, and whom to answer.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: oneshot::Sender<Answer>,
}

/// The replica ids that are bound to somebody else; none for everything but [`Work::Bind`].
pub(super) type Answer = Result<Vec<ReplicaId>, Error>;

/// Something to write. It may be carried out again after a transaction that came to nothing.
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

/// What is left to do once the work is committed.
pub(super) enum Done {
    Answer(Vec<ReplicaId>),
    /// Tombstones within the horizon are to be removed before the answer.
    Forget,
    /// A document is out of the register; cells may be left.
    Removed,
}

impl Work {
    /// Which document it is about.
    pub(super) fn document(&self) -> Option<&str> {
        match self {
            Self::Append { document, .. }
            | Self::Claim { document, .. }
            | Self::Forget { document, .. }
            | Self::Remove { document } => Some(document),
            Self::Bind { .. } => None,
        }
    }

    /// Bytes of cells, near enough to count by.
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Append { deltas, .. } => deltas.iter().map(Delta::bytes).sum(),
            _ => 0,
        }
    }

    /// Does it within a savepoint.
    pub(super) fn perform(&self, connection: &Connection, trust: &Trust) -> Result<Done, Error> {
        // What came after damage was found is refused too.
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
                    // One whose name is damaged is not to be said to be gone.
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

/// Work that is done bit by bit, between commits.
pub(super) enum Chore {
    /// Removes tombstones within a document's horizon.
    Forget {
        document: String,
        answer: oneshot::Sender<Answer>,
    },
    /// Removes cells of documents that are gone.
    Clear,
}

impl Chore {
    /// Does a bit of it within a transaction. Returns whether there may be more.
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
