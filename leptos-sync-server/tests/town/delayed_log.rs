use std::{
    sync::{Arc, Mutex},
    time::Duration,
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
use tokio::time::sleep;

use crate::boards::Random;

/// The longest time that a log takes before and after it does something, in milliseconds.
const DELAY_MS: u64 = 8;

/// A log whose answers are delayed, so that those of concurrent calls come in any order.
#[derive(Clone)]
pub(super) struct DelayedLog {
    log: Arc<MemoryLog>,
    random: Arc<Mutex<Random>>,
}

impl DelayedLog {
    pub(super) fn new(log: Arc<MemoryLog>, seed: u64) -> Self {
        let random = Arc::new(Mutex::new(Random(seed | 1)));
        Self { log, random }
    }

    async fn delay(&self) {
        let ms = self.random.lock().unwrap().below(DELAY_MS);
        sleep(Duration::from_millis(ms)).await;
    }

    /// Runs a call between two delays.
    fn run<T: Send + 'static>(
        &self,
        call: impl FnOnce(&MemoryLog) -> BoxFuture<'_, Result<T, Error>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Error>> {
        let this = self.clone();
        Box::pin(async move {
            this.delay().await;
            let done = call(&this.log).await;
            this.delay().await;
            done
        })
    }
}

impl DurableLog for DelayedLog {
    fn open(&self, document: &str, ids: Vec<ReplicaId>) -> BoxFuture<'_, Result<History, Error>> {
        let document = document.to_owned();
        self.run(move |log| log.open(&document, ids))
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.run(|log| log.probe())
    }

    fn push(
        &self,
        document: &str,
        user: &str,
        entries: Vec<Entry>,
        now_ms: u64,
    ) -> BoxFuture<'_, Result<PushOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        self.run(move |log| log.push(&document, &user, entries, now_ms))
    }

    fn page(
        &self,
        document: &str,
        after: Sequence,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        let document = document.to_owned();
        self.run(move |log| log.page(&document, after, bytes))
    }

    fn range(
        &self,
        document: &str,
        after: Option<PathBuf>,
        bytes: usize,
    ) -> BoxFuture<'_, Result<CellRange, Error>> {
        let document = document.to_owned();
        self.run(move |log| log.range(&document, after, bytes))
    }

    fn join_cells(
        &self,
        document: &str,
        user: Option<&str>,
        cells: Patch,
        now_ms: u64,
        latest: Time,
    ) -> BoxFuture<'_, Result<JoinOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.map(str::to_owned));
        self.run(move |log| log.join_cells(&document, user.as_deref(), cells, now_ms, latest))
    }

    fn raise_heads(
        &self,
        document: &str,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> BoxFuture<'_, Result<HeadsOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        self.run(move |log| log.raise_heads(&document, &user, heads))
    }

    fn forget(
        &self,
        document: &str,
        before: Time,
        received_before_ms: u64,
    ) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        self.run(move |log| log.forget(&document, before, received_before_ms))
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let after = after.map(str::to_owned);
        self.run(move |log| log.documents(after.as_deref(), most))
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        self.run(move |log| log.remove(&document))
    }

    fn new_epoch(&self) -> Result<(), Error> {
        self.log.new_epoch()
    }
}
