use leptos_sync_core::ReplicaId;
use rusqlite::Connection;

use super::{
    audit,
    chores::Chore,
    heads::{self, StoredHead},
    register::DOCUMENTS,
    trust::Trust,
    work::{Done, Work},
};
use crate::{
    error::Error,
    log::database::{Damage, Finished, Operation as _, Operations},
};

impl Operations for Trust {
    type Work = Work;
    type Done = Done;
    type Chore = Chore;
    /// The replica ids that are bound to another user. Empty for all operations but
    /// [`Work::Bind`].
    type Answer = Vec<ReplicaId>;
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
            tracing::debug!(document, cells = stored.cells.records, "walking");
            audit::audit(connection, id, &stored)?;
            self.damage.audited(document);
        }
        Ok(Some((id, stored)))
    }

    fn is_listed(&self, connection: &Connection, document: &str) -> bool {
        DOCUMENTS.has(connection, document).unwrap_or(false)
    }

    fn perform(&self, connection: &Connection, work: &Work) -> Result<Done, Error> {
        work.perform(connection, self)
    }

    fn finish(
        &self,
        connection: &Connection,
        work: Work,
        done: Result<Done, Error>,
    ) -> Finished<Self::Answer, Chore> {
        Finished::Answer(match (done, work) {
            (Ok(Done::Answer(taken)), _) => Ok(taken),
            (Ok(Done::Forget), Work::Forget { document, .. }) => {
                return Finished::After(Chore::Forget { document });
            }
            (Ok(Done::Failed(error)), _) => Err(error),
            (
                Ok(Done::Parts(id)),
                Work::Parts {
                    document, parts, ..
                },
            ) => {
                let parts = parts.into();
                return Finished::After(Chore::Join {
                    document,
                    id,
                    parts,
                });
            }
            (Ok(Done::Removed), Work::Remove { document }) => {
                self.removed(connection, &document);
                return Finished::Before(Ok(Vec::new()), Chore::Clear);
            }
            (Ok(_), _) => Ok(Vec::new()),
            (Err(error), work) => Err(match work.document() {
                Some(document) => self.of_document(connection, document, error),
                None => error.of_bindings(),
            }),
        })
    }

    fn first_chore(&self) -> Chore {
        Chore::Clear
    }

    fn step(&self, connection: &Connection, chore: &mut Chore) -> Result<bool, Error> {
        chore.step(connection, self)
    }

    fn must_end(&self, chore: &Chore) -> bool {
        matches!(chore, Chore::Join { .. })
    }

    fn end(
        &self,
        connection: &Connection,
        chore: Chore,
        done: Result<(), Error>,
    ) -> Result<Self::Answer, Error> {
        let done = done.map(|()| Vec::new());
        match chore {
            Chore::Forget { document } | Chore::Join { document, .. } => {
                done.map_err(|error| self.of_document(connection, &document, error))
            }
            Chore::Clear => done,
        }
    }
}
