use std::sync::Arc;

use futures::future::BoxFuture;
use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{CellRange, Entry, IdHead, Page, Patch, Sequence},
};
use leptos_sync_server::{
    DurableLog, Error, HeadsOutcome, History, JoinOutcome, MemoryLog, PushOutcome,
};

/// A log in memory whose calls a hook may delay or fail.
#[derive(Clone)]
pub(crate) struct HookedLog<H> {
    log: Arc<MemoryLog>,
    pub(crate) hook: H,
}

/// What a call of a log does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read,
    ReadPage,
    Write,
}

/// A decision about calls of a log.
pub(crate) trait Hook: Clone + Send + Sync + 'static {
    /// Makes a call, or does not.
    fn run<T: Send>(
        self,
        call: Call,
        run: impl Future<Output = Result<T, Error>> + Send,
    ) -> impl Future<Output = Result<T, Error>> + Send;
}

impl<H: Hook> HookedLog<H> {
    pub(crate) fn new(log: Arc<MemoryLog>, hook: H) -> Self {
        Self { log, hook }
    }

    fn run<T: Send + 'static>(
        &self,
        call: Call,
        run: impl FnOnce(&MemoryLog) -> BoxFuture<'_, Result<T, Error>> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, Error>> {
        // A log in memory does its work when it is called, and not when its future runs.
        let run = async { run(&self.log).await };
        Box::pin(self.hook.clone().run(call, run))
    }
}

impl<H: Hook> DurableLog for HookedLog<H> {
    fn open(&self, document: &str, ids: Vec<ReplicaId>) -> BoxFuture<'_, Result<History, Error>> {
        let document = document.to_owned();
        self.run(Call::Read, move |log| log.open(&document, ids))
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        self.run(Call::Read, |log| log.probe())
    }

    fn push(
        &self,
        document: &str,
        user: &str,
        entries: Vec<Entry>,
        now_ms: u64,
    ) -> BoxFuture<'_, Result<PushOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        self.run(Call::Write, move |log| {
            log.push(&document, &user, entries, now_ms)
        })
    }

    fn page(
        &self,
        document: &str,
        after: Sequence,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        let document = document.to_owned();
        self.run(Call::ReadPage, move |log| log.page(&document, after, bytes))
    }

    fn range(
        &self,
        document: &str,
        after: Option<PathBuf>,
        bytes: usize,
    ) -> BoxFuture<'_, Result<CellRange, Error>> {
        let document = document.to_owned();
        self.run(Call::Read, move |log| log.range(&document, after, bytes))
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
        self.run(Call::Write, move |log| {
            log.join_cells(&document, user.as_deref(), cells, now_ms, latest)
        })
    }

    fn raise_heads(
        &self,
        document: &str,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> BoxFuture<'_, Result<HeadsOutcome, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        self.run(Call::Write, move |log| {
            log.raise_heads(&document, &user, heads)
        })
    }

    fn forget(
        &self,
        document: &str,
        before: Time,
        received_before_ms: u64,
    ) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        self.run(Call::Write, move |log| {
            log.forget(&document, before, received_before_ms)
        })
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let after = after.map(str::to_owned);
        self.run(Call::Read, move |log| log.documents(after.as_deref(), most))
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        self.run(Call::Write, move |log| log.remove(&document))
    }

    fn new_epoch(&self) -> Result<(), Error> {
        self.log.new_epoch()
    }
}
