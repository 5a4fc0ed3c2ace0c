//! A document of a log, without connections.

mod open;
mod push;

use std::sync::Arc;

use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{CellRange, IdHead, Page, Patch, RelayState, Sequence, Witness},
};

use crate::{
    error::Error,
    limits,
    log::{DurableLog, HeadsOutcome, JoinOutcome, SealKey},
};

pub use push::{EntryAnswer, PushAnswer};

/// A document in a log, which answers the requests of clients.
///
/// It seals the state in each answer, and checks the seals of witnesses. It knows no connections
/// and no permissions: the caller checks whether a user may read or write, and sends the pages of
/// changes to the other clients.
#[derive(Clone)]
pub struct StoredDocument {
    log: Arc<dyn DurableLog>,
    key: SealKey,
    name: Arc<str>,
    page_bytes: usize,
    accepts_unproven: bool,
}

impl StoredDocument {
    /// Creates the access to a document.
    pub fn new(log: Arc<dyn DurableLog>, key: SealKey, name: &str) -> Self {
        Self {
            log,
            key,
            name: name.into(),
            page_bytes: limits::PAGE_BYTES,
            accepts_unproven: false,
        }
    }

    /// Sets the approximate size of pages and ranges; the default is [`limits::PAGE_BYTES`].
    #[must_use]
    pub fn page_bytes(mut self, bytes: usize) -> Self {
        self.page_bytes = bytes;
        self
    }

    /// Sets whether offers may restore cells of other users' ids without a proof.
    #[must_use]
    pub fn accept_unproven(mut self, accepts: bool) -> Self {
        self.accepts_unproven = accepts;
        self
    }

    /// Returns the next page after a number, or `None` if the number is below the horizon.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::page`].
    pub async fn read(&self, after: Sequence) -> Result<Option<Page>, Error> {
        let page = self.log.page(&self.name, after, self.page_bytes).await?;
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
        let range = self.log.range(&self.name, after, self.page_bytes);
        let mut range = range.await?;
        self.seal(&mut range.state);
        Ok(range)
    }

    /// Joins cells that a user offers. Returns the answer with the changes.
    ///
    /// `witnesses` are those of the client's opening and of the offer. Accepts cells of ids that
    /// are bound to other users only if one of them proves that the document has lost something: a
    /// relay with this key has sealed it for this document, and the document's history does not
    /// contain it. [`accept_unproven`](Self::accept_unproven) lifts this condition. A sealed witness of the offer also permits times up to its latest one.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::join_cells`].
    pub async fn offer(
        &self,
        user: &str,
        witnesses: &[Witness; 2],
        cells: Patch,
        now_ms: u64,
    ) -> Result<(JoinOutcome, Vec<Page>), Error> {
        let [opening, witness] = witnesses;
        let history = self.log.open(&self.name, Vec::new()).await?;
        let has_lost = self.has_lost(opening, &history) || self.has_lost(witness, &history);
        let latest = match self.key.has_sealed(&self.name, witness) {
            true => witness.latest,
            false => Time::ZERO,
        };
        let is_trusted = has_lost || self.accepts_unproven;
        let user = (!is_trusted).then_some(user);
        let offered = self.log.join_cells(&self.name, user, cells, now_ms, latest);
        let mut offered = offered.await?;
        if !offered.all {
            // A client can cause any number of these.
            tracing::debug!(
                document = &*self.name,
                has_lost,
                "omitted cells that a client has offered"
            );
        }
        self.seal(&mut offered.state);
        let pages = self.changes(offered.taken, offered.taken).await?;
        Ok((offered, pages))
    }

    /// Raises the heads of a user's ids that the document has lost. Returns the answer with the
    /// changes.
    ///
    /// # Errors
    ///
    /// Those of [`DurableLog::raise_heads`].
    pub async fn adopt(
        &self,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> Result<(HeadsOutcome, Vec<Page>), Error> {
        let mut adopted = self.log.raise_heads(&self.name, user, heads).await?;
        self.seal(&mut adopted.state);
        let pages = self.changes(adopted.taken, adopted.taken).await?;
        Ok((adopted, pages))
    }

    /// Reads the changes from one number to another one, in pages. If a sweep has just forgotten
    /// one of them, returns fewer pages; clients then notice the gap.
    async fn changes(
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

    fn seal(&self, state: &mut RelayState) {
        self.key.seal(&self.name, state);
    }
}
