use rusqlite::Connection;

use super::{
    audit, cells,
    heads::{self, StoredHead},
    ids,
    tables::Tables,
    work::{Answer, Done, Work},
};
use crate::{
    error::Error,
    log::database::{Damage, Finished, Operation as _, Operations, fault},
};

/// Background work that runs in steps between commits.
pub(super) enum Chore {
    /// Removes tombstones below the floor that were received before a time.
    Forget {
        document: String,
        received_before_ms: u64,
    },
    /// Removes cells and ids of removed documents.
    Clear,
}

impl Operations for Tables {
    type Work = Work;
    type Done = Done;
    type Chore = Chore;
    type Answer = Answer;
    type Found = (i64, StoredHead);

    fn damage(&self) -> &Damage {
        &self.damage
    }

    fn find(
        &self,
        connection: &Connection,
        document: &str,
        audit: bool,
    ) -> Result<Option<Self::Found>, Error> {
        let Some(id) = Self::find(self, connection, document)? else {
            return Ok(None);
        };
        let stored = heads::load(connection, id)?;
        if audit {
            tracing::debug!(document, cells = stored.cells.records, "auditing");
            if audit::audit(connection, id, &stored)? {
                self.note_ender(id);
            }
            self.damage.audited(document);
        }
        Ok(Some((id, stored)))
    }

    fn is_listed(&self, connection: &Connection, document: &str) -> bool {
        Self::is_listed(connection, document)
    }

    fn perform(&self, connection: &Connection, work: &Work) -> Result<Done, Error> {
        work.perform(connection, self)
    }

    fn finish(
        &self,
        connection: &Connection,
        work: Work,
        done: Result<Done, Error>,
    ) -> Finished<Answer, Chore> {
        Finished::Answer(match (done, work) {
            (Ok(Done::Answer(answer)), _) => Ok(answer),
            (Ok(Done::Failed(error)), _) => Err(error),
            (
                Ok(Done::Forget),
                Work::Forget {
                    document,
                    received_before_ms,
                    ..
                },
            ) => {
                return Finished::After(Chore::Forget {
                    document,
                    received_before_ms,
                });
            }
            (Ok(Done::Removed), Work::Remove { document }) => {
                self.removed(connection, &document);
                return Finished::Before(Ok(Answer::Nothing), Chore::Clear);
            }
            (Ok(_), _) => Ok(Answer::Nothing),
            (Err(error), work) => Err(match work.document() {
                Some(document) => self.of_document(connection, document, error),
                None => error,
            }),
        })
    }

    /// Returns the chore that clears removed documents, since an earlier process may have left
    /// records of them.
    fn first_chore(&self) -> Chore {
        Chore::Clear
    }

    fn step(&self, connection: &Connection, chore: &mut Chore) -> Result<bool, Error> {
        match chore {
            Chore::Forget {
                document,
                received_before_ms,
            } => {
                let Some(id) = Self::find(self, connection, document)? else {
                    return Ok(false);
                };
                let mut stored = heads::load(connection, id)?;
                let more = cells::forget(connection, id, &mut stored, *received_before_ms)?;
                heads::store(connection, id, &stored)?;
                Ok(more)
            }
            Chore::Clear => match cells::to_clear(connection)? {
                Some(id) => clear(connection, id).map(|()| true),
                None => Ok(false),
            },
        }
    }

    fn must_end(&self, _: &Chore) -> bool {
        false
    }

    fn end(
        &self,
        connection: &Connection,
        chore: Chore,
        done: Result<(), Error>,
    ) -> Result<Answer, Error> {
        let done = done.map(|()| Answer::Nothing);
        match chore {
            Chore::Forget { document, .. } => {
                done.map_err(|error| self.of_document(connection, &document, error))
            }
            Chore::Clear => done,
        }
    }
}

/// Removes some cells or ids of a removed document. If there are none, its clearing is complete.
fn clear(connection: &Connection, document: i64) -> Result<(), Error> {
    if cells::clear(connection, document)? > 0 || ids::clear(connection, document)? > 0 {
        return Ok(());
    }
    connection
        .prepare_cached("DELETE FROM cleared WHERE document = ?1")
        .and_then(|mut delete| delete.execute([document]))
        .map(drop)
        .map_err(fault)
}
