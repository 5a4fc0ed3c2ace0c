use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use futures::future::BoxFuture;
use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use leptos_sync_server::{DocumentState, DurableLog, Error, MemoryLog, Since};
use tokio::sync::watch;

/// A log that fails on demand: completely, like a broken disk, or only for writes, like a full one.
#[derive(Clone, Default)]
pub(crate) struct SwitchedLog {
    log: Arc<MemoryLog>,
    off: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    held: Arc<watch::Sender<bool>>,
    reading: Arc<AtomicUsize>,
}

impl SwitchedLog {
    pub(crate) fn switch(&self, on: bool) {
        self.off.store(!on, Ordering::SeqCst);
    }

    /// Makes writes fail or succeed. Reads always succeed.
    pub(crate) fn fill(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    /// Makes reads of the operations that a client lacks wait until they are released.
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
        match self.full.load(Ordering::SeqCst) {
            true => Box::pin(async { Err(Error::unavailable("the disk is full")) }),
            false => self.or_off(done),
        }
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
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>> {
        self.or_off(self.log.state(document))
    }

    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>> {
        self.or_full(self.log.append(document, deltas))
    }

    fn append_as(
        &self,
        document: &str,
        deltas: Vec<Delta>,
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        self.or_full(self.log.append_as(document, deltas, user))
    }

    fn claim(&self, document: &str, upto: VersionVector) -> BoxFuture<'_, Result<(), Error>> {
        self.or_full(self.log.claim(document, upto))
    }

    fn since(
        &self,
        document: &str,
        version: &VersionVector,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Since, Error>> {
        let (log, document, version) = (self.clone(), document.to_owned(), version.clone());
        let read = async move {
            log.reading.fetch_add(1, Ordering::SeqCst);
            let mut held = log.held.subscribe();
            // Waiting fails only if the last log is dropped.
            let _ = held.wait_for(|held| !held).await;
            log.reading.fetch_sub(1, Ordering::SeqCst);
            log.log.since(&document, &version, bytes).await
        };
        self.or_off(Box::pin(read))
    }

    fn forget_tombstones(&self, document: &str, before: Time) -> BoxFuture<'_, Result<(), Error>> {
        self.or_full(self.log.forget_tombstones(document, before))
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.or_off(self.log.documents(after, most))
    }

    fn bind(
        &self,
        replicas: &[ReplicaId],
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        self.or_full(self.log.bind(replicas, user))
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        self.or_full(self.log.remove(document))
    }
}
