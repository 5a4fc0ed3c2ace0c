use leptos_sync_core::{
    ReplicaId, Time,
    history::{Entry, IdHead, Patch},
};
use rusqlite::Connection;

use super::{
    draft::{Draft, Writer},
    heads,
    tables::Tables,
};
use crate::{
    error::Error,
    log::{HeadsOutcome, JoinOutcome, PushOutcome, database::Operation},
};

/// A write operation. The writer may run it again if a transaction failed.
pub(super) enum Work {
    Push {
        document: String,
        user: String,
        entries: Vec<Entry>,
        now_ms: u64,
    },
    Offer {
        document: String,
        user: Option<String>,
        cells: Patch,
        now_ms: u64,
        latest: Time,
    },
    Adopt {
        document: String,
        user: String,
        heads: Vec<(ReplicaId, IdHead)>,
    },
    Forget {
        document: String,
        before: Time,
        received_before_ms: u64,
    },
    Remove {
        document: String,
    },
}

/// The answer to an operation.
pub(super) enum Answer {
    Pushed(PushOutcome),
    Joined(JoinOutcome),
    Heads(HeadsOutcome),
    Nothing,
}

/// The result of an operation, with the work that remains after the commit.
pub(super) enum Done {
    Answer(Answer),
    /// The tombstones must be removed before the answer.
    Forget,
    /// The table of users is damaged, which does not concern the document. Nothing was changed.
    Failed(Error),
    /// The document was removed. Its cells and ids must be cleared.
    Removed,
}

impl Operation for Work {
    fn document(&self) -> Option<&str> {
        match self {
            Self::Push { document, .. }
            | Self::Offer { document, .. }
            | Self::Adopt { document, .. }
            | Self::Forget { document, .. }
            | Self::Remove { document } => Some(document),
        }
    }

    fn bytes(&self) -> usize {
        match self {
            Self::Push { entries, .. } => entries.iter().map(|entry| entry.cells.bytes()).sum(),
            Self::Offer { cells, .. } => cells.bytes(),
            _ => 0,
        }
    }

    fn cells(&self) -> usize {
        match self {
            Self::Push { entries, .. } => entries.iter().map(|entry| entry.cells.len()).sum(),
            Self::Offer { cells, .. } => cells.len(),
            Self::Adopt { heads, .. } => heads.len(),
            _ => 0,
        }
    }
}

impl Work {
    /// Runs the operation within a savepoint.
    pub(super) fn perform(&self, connection: &Connection, tables: &Tables) -> Result<Done, Error> {
        // Damage may have been found after this operation was queued.
        if let (Some(document), false) = (self.document(), matches!(self, Self::Remove { .. })) {
            tables.damage.check(document)?;
        }
        match self {
            Self::Push {
                document,
                user,
                entries,
                now_ms,
            } => {
                let draft = Draft::open(connection, tables, document)?;
                match find_user(connection, tables, user) {
                    Ok(user) => push(connection, draft, user, entries, *now_ms),
                    Err(error) => failed(error),
                }
            }
            Self::Offer {
                document,
                user,
                cells,
                now_ms,
                latest,
            } => {
                let draft = Draft::open(connection, tables, document)?;
                let user = user.as_deref();
                let user = match user.map(|user| find_user(connection, tables, user)) {
                    Some(Err(error)) => return failed(error),
                    Some(Ok(user)) => Some(user),
                    None => None,
                };
                let offered = draft.join_cells(user.as_ref(), cells, *now_ms, *latest)?;
                Ok(Done::Answer(Answer::Joined(offered)))
            }
            Self::Adopt {
                document,
                user,
                heads,
            } => {
                let draft = Draft::open(connection, tables, document)?;
                match find_user(connection, tables, user) {
                    Ok(user) => adopt(connection, draft, &user, heads),
                    Err(error) => failed(error),
                }
            }
            Self::Forget {
                document, before, ..
            } => {
                let Some(id) = tables.find(connection, document)? else {
                    return Ok(Done::Answer(Answer::Nothing));
                };
                let mut stored = heads::load(connection, id)?;
                stored.head.raise_floor(*before);
                heads::store(connection, id, &stored)?;
                Ok(Done::Forget)
            }
            Self::Remove { document } => {
                tables.remove(connection, document)?;
                Ok(Done::Removed)
            }
        }
    }
}

fn find_user<'a>(
    connection: &Connection,
    tables: &Tables,
    name: &'a str,
) -> Result<Writer<'a>, Error> {
    let number = tables.user(connection, name)?;
    Ok(Writer { name, number })
}

impl Writer<'_> {
    /// Returns the user's number. Adds the user if there is none.
    fn number(&mut self, connection: &Connection) -> Result<i64, Error> {
        let number = match self.number {
            Some(number) => number,
            None => Tables::add_user(connection, self.name)?,
        };
        self.number = Some(number);
        Ok(number)
    }
}

/// Returns the result of an operation for which the table of users failed, before any change.
fn failed(error: Error) -> Result<Done, Error> {
    match error.is_damaged() {
        true => Ok(Done::Failed(error.of_bindings())),
        false => Err(error),
    }
}

fn push(
    connection: &Connection,
    mut draft: Draft<'_>,
    mut user: Writer<'_>,
    entries: &[Entry],
    now_ms: u64,
) -> Result<Done, Error> {
    let mut pushed = PushOutcome {
        first: draft.stored.head.next(),
        ..PushOutcome::default()
    };
    for entry in entries {
        let old = match draft.check(&user, entry, now_ms)? {
            Ok(old) => old,
            Err(refusal) => {
                pushed.refusal = Some(refusal);
                break;
            }
        };
        // A new user is added before the first entry is stored.
        let number = match user.number(connection) {
            Ok(number) => number,
            Err(error) => return failed(error),
        };
        pushed.has_lost |= draft.take(number, entry, old, now_ms)?;
        pushed.count += 1;
    }
    pushed.floor = draft.stored.head.floor;
    pushed.state = match pushed.count {
        0 => draft.stored.head.state(),
        _ => draft.save()?,
    };
    Ok(Done::Answer(Answer::Pushed(pushed)))
}

fn adopt(
    connection: &Connection,
    mut draft: Draft<'_>,
    user: &Writer<'_>,
    heads: &[(ReplicaId, IdHead)],
) -> Result<Done, Error> {
    let mut taken = None;
    if draft.would_adopt(user, heads)? {
        let mut user = Writer { ..*user };
        let number = match user.number(connection) {
            Ok(number) => number,
            Err(error) => return failed(error),
        };
        taken = Some(draft.raise_heads(number, heads)?);
    }
    let adopted = draft.adopted(heads, taken)?;
    Ok(Done::Answer(Answer::Heads(adopted)))
}
