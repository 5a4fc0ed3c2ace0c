use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures::future::BoxFuture;
use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{CellRange, Entry, IdHead, Page, Patch, Sequence},
};
use leptos_sync_server::{
    DurableLog, Error, HeadsOutcome, History, JoinOutcome, MemoryLog, PushOutcome,
};
use tokio::sync::watch;

/// A log that fails on demand: completely, like a broken disk, or only for writes, like a full one.
#[derive(Clone)]
pub(crate) struct SwitchedLog {
    log: Arc<MemoryLog>,
    off: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    loses: Arc<AtomicBool>,
    held: Arc<watch::Sender<bool>>,
    reading: Arc<AtomicUsize>,
}

impl SwitchedLog {
    pub(crate) fn new() -> Self {
        Self {
            log: Arc::new(MemoryLog::new().unwrap()),
            off: Arc::default(),
            full: Arc::default(),
            loses: Arc::default(),
            held: Arc::default(),
            reading: Arc::default(),
        }
    }

    pub(crate) fn switch(&self, on: bool) {
        self.off.store(!on, Ordering::SeqCst);
    }

    /// Makes writes fail or succeed. Reads always succeed.
    pub(crate) fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Makes writes take effect and report an error, or succeed.
    pub(crate) fn lose_answers(&self, loses: bool) {
        self.loses.store(loses, Ordering::SeqCst);
    }

    /// Makes reads of pages wait until they are released.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Returns the number of such reads that are waiting.
    pub(crate) fn reading(&self) -> usize {
        self.reading.load(Ordering::SeqCst)
    }

    fn or_full<'a, T: Send + 'a>(
        &self,
        done: BoxFuture<'a, Result<T, Error>>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        if self.full.load(Ordering::SeqCst) {
            return Box::pin(async { Err(Error::unavailable("the disk is full")) });
        }
        if self.loses.load(Ordering::SeqCst) {
            return Box::pin(async {
                done.await?;
                Err(Error::unavailable("the disk has not answered"))
            });
        }
        self.or_off(done)
    }

    fn or_off<'a, T: Send + 'a>(
        &self,
        done: BoxFuture<'a, Result<T, Error>>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        match self.off.load(Ordering::SeqCst) {
            true => Box::pin(async { Err(Error::unavailable("the disk is gone")) }),
            false => done,
        }
    }
}

impl DurableLog for SwitchedLog {
    fn open(&self, document: &str, ids: Vec<ReplicaId>) -> BoxFuture<'_, Result<History, Error>> {
        self.or_off(self.log.open(document, ids))
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.or_off(self.log.probe())
    }

    fn push(
        &self,
        document: &str,
        user: &str,
        entries: Vec<Entry>,
        now_ms: u64,
    ) -> BoxFuture<'_, Result<PushOutcome, Error>> {
        self.or_full(self.log.push(document, user, entries, now_ms))
    }

    fn page(
        &self,
        document: &str,
        after: Sequence,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        let (log, document) = (self.clone(), document.to_owned());
        let read = async move {
            log.reading.fetch_add(1, Ordering::SeqCst);
            let mut held = log.held.subscribe();
            // Waiting fails only if the last log is dropped.
            let _ = held.wait_for(|held| !held).await;
            log.reading.fetch_sub(1, Ordering::SeqCst);
            log.log.page(&document, after, bytes).await
        };
        self.or_off(Box::pin(read))
    }

    fn range(
        &self,
        document: &str,
        after: Option<PathBuf>,
        bytes: usize,
    ) -> BoxFuture<'_, Result<CellRange, Error>> {
        self.or_off(self.log.range(document, after, bytes))
    }

    fn join_cells(
        &self,
        document: &str,
        user: Option<&str>,
        cells: Patch,
        now_ms: u64,
        latest: Time,
    ) -> BoxFuture<'_, Result<JoinOutcome, Error>> {
        self.or_full(self.log.join_cells(document, user, cells, now_ms, latest))
    }

    fn raise_heads(
        &self,
        document: &str,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> BoxFuture<'_, Result<HeadsOutcome, Error>> {
        self.or_full(self.log.raise_heads(document, user, heads))
    }

    fn forget(
        &self,
        document: &str,
        before: Time,
        received_before_ms: u64,
    ) -> BoxFuture<'_, Result<(), Error>> {
        self.or_full(self.log.forget(document, before, received_before_ms))
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.or_off(self.log.documents(after, most))
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        self.or_full(self.log.remove(document))
    }

    fn new_epoch(&self) -> Result<(), Error> {
        self.log.new_epoch()
    }
}
