use std::sync::Arc;

use leptos_sync_core::{
    ReplicaId,
    cells::PathBuf,
    history::{CellRange, IdHead, Page, Patch, RelayState, Sequence, Witness},
};

use crate::{
    error::Error,
    limits,
    log::v2::{Adopted, DurableLog, Offered},
    relay::seal::SealKey,
};

/// A document in a log, which answers the requests of clients.
///
/// It seals the state in each answer, and checks the seals of witnesses. It knows no connections
/// and no permissions: the caller checks whether a user may read or write, and sends the pages of
/// changes to the other clients.
#[derive(Clone)]
pub struct StoredDocument {
    pub(super) log: Arc<dyn DurableLog>,
    pub(super) key: SealKey,
    pub(super) name: Arc<str>,
}

impl StoredDocument {
    /// Creates the access to a document.
    pub fn new(log: Arc<dyn DurableLog>, key: SealKey, name: &str) -> Self {
        let name = name.into();
        Self { log, key, name }
    }

    /// Returns the next page after a number, or `None` if the number is below the horizon.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::page`].
    pub async fn read(&self, after: Sequence) -> Result<Option<Page>, Error> {
        let page = self.log.page(&self.name, after, limits::PAGE_BYTES).await?;
        Ok(page.map(|mut page| {
            self.seal(&mut page.state);
            page
        }))
    }

    /// Returns the next range of cells after a path.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::range`].
    pub async fn range(&self, after: Option<PathBuf>) -> Result<CellRange, Error> {
        let range = self.log.range(&self.name, after, limits::PAGE_BYTES);
        let mut range = range.await?;
        self.seal(&mut range.state);
        Ok(range)
    }

    /// Joins cells that the document has lost. Returns the answer with the changes.
    ///
    /// Takes nothing unless the witness proves that the relay went back in time.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::offer`].
    pub async fn offer(
        &self,
        witness: &Witness,
        cells: Patch,
        now_ms: u64,
    ) -> Result<(Offered, Vec<Page>), Error> {
        if let Err(state) = self.proof(witness).await? {
            tracing::warn!(
                document = &*self.name,
                "omitted cells that were offered without a proof that they were lost"
            );
            let offered = Offered {
                all: cells.is_empty(),
                taken: None,
                state,
            };
            return Ok((offered, Vec::new()));
        }
        let offered = self.log.offer(&self.name, cells, now_ms, witness.latest);
        let mut offered = offered.await?;
        self.seal(&mut offered.state);
        let pages = self.changes(offered.taken, offered.taken).await?;
        Ok((offered, pages))
    }

    /// Raises the heads of a user's ids that the document has lost. Returns the answer with the
    /// changes.
    ///
    /// Raises nothing unless the witness proves that the relay went back in time.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::adopt`].
    pub async fn adopt(
        &self,
        user: &str,
        witness: &Witness,
        mut heads: Vec<(ReplicaId, IdHead)>,
    ) -> Result<(Adopted, Vec<Page>), Error> {
        if self.proof(witness).await?.is_err() {
            // No head is greater than that of number 0.
            heads
                .iter_mut()
                .for_each(|(_, head)| *head = IdHead::default());
        }
        let mut adopted = self.log.adopt(&self.name, user, heads).await?;
        self.seal(&mut adopted.state);
        let pages = self.changes(adopted.taken, adopted.taken).await?;
        Ok((adopted, pages))
    }

    /// Checks that a relay with this key has told a head that the document no longer has. If not,
    /// returns the document's state as the error.
    async fn proof(&self, witness: &Witness) -> Result<Result<(), RelayState>, Error> {
        let history = self.log.open(&self.name, Vec::new()).await?;
        let (epochs, mut state) = (history.epochs, history.state);
        let is_lost = !epochs.contains(state.head(), witness.head);
        if is_lost && self.key.has_sealed(&self.name, witness) {
            return Ok(Ok(()));
        }
        self.seal(&mut state);
        Ok(Err(state))
    }

    /// Reads the changes from one number to another one, in pages. If a sweep has just forgotten
    /// one of them, returns fewer pages; clients then notice the gap.
    pub(super) async fn changes(
        &self,
        first: Option<Sequence>,
        last: Option<Sequence>,
    ) -> Result<Vec<Page>, Error> {
        let mut pages = Vec::new();
        let (Some(first), Some(last)) = (first, last) else {
            return Ok(pages);
        };
        let mut after = first.previous();
        while after < last
            && let Some(page) = self.read(after).await?
        {
            after = page.upto;
            pages.push(page);
        }
        Ok(pages)
    }

    pub(super) fn seal(&self, state: &mut RelayState) {
        self.key.seal(&self.name, state);
    }
}
