mod document;

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures::{FutureExt as _, future::BoxFuture};
use leptos_sync_core::{
    ReplicaId, Time,
    cells::PathBuf,
    history::{CellRange, Entry, Epoch, IdHead, Page, Patch, Sequence},
};
use parking_lot::Mutex;

use self::document::Document;
use super::{DurableLog, HeadsOutcome, History, JoinOutcome, PushOutcome};
use crate::{
    error::Error,
    log::{check_name, check_user, listed},
};

/// A log in memory, for tests and for relays whose documents need not survive a restart.
///
/// Here, "durable" means until the log is dropped.
pub struct MemoryLog {
    epoch: AtomicU64,
    documents: Mutex<BTreeMap<String, Arc<Mutex<Document>>>>,
}

impl MemoryLog {
    /// Returns an empty log.
    ///
    /// # Errors
    ///
    /// [`Error::is_unavailable`] if the system has no source of randomness.
    pub fn new() -> Result<Self, Error> {
        let epoch = Epoch::random()?.get();
        Ok(Self {
            epoch: AtomicU64::new(epoch),
            documents: Mutex::default(),
        })
    }

    /// Returns a copy of the log in an epoch of its own, like the log of a relay that was restored
    /// from a backup.
    ///
    /// # Errors
    ///
    /// Those of [`new`](MemoryLog::new).
    #[cfg(feature = "testing")]
    pub fn fork(&self) -> Result<Self, Error> {
        let copy = Self::new()?;
        let documents = self.documents.lock();
        let copied = documents.iter().map(|(name, document)| {
            let document = document.lock().clone();
            (name.clone(), Arc::new(Mutex::new(document)))
        });
        copy.documents.lock().extend(copied);
        Ok(copy)
    }

    /// Runs `work` on a document, or on an empty one if it does not exist. Stores the document if
    /// that changed its head.
    fn run<T>(
        &self,
        document: &str,
        work: impl FnOnce(&mut Document, Epoch) -> Result<T, Error>,
    ) -> Result<T, Error> {
        check_name(document)?;
        let epoch = Epoch::new(self.epoch.load(Ordering::Relaxed));
        let found = self.documents.lock().get(document).map(Arc::clone);
        if let Some(found) = found {
            let mut found = found.lock();
            return match found.is_removed {
                true => Err(Error::removed(document)),
                false => work(&mut found, epoch),
            };
        }
        let mut documents = self.documents.lock();
        if documents.contains_key(document) {
            drop(documents);
            return self.run(document, work);
        }
        let mut new = Document::default();
        let done = work(&mut new, epoch)?;
        if new.head.sequence > Sequence::ZERO {
            documents.insert(document.to_owned(), Arc::new(Mutex::new(new)));
        }
        Ok(done)
    }
}

/// Wraps a result in a future. Each call of this log does its work immediately and waits only for
/// locks.
fn ready<T: Send + 'static>(done: Result<T, Error>) -> BoxFuture<'static, Result<T, Error>> {
    futures::future::ready(done).boxed()
}

impl DurableLog for MemoryLog {
    fn open(&self, document: &str, ids: Vec<ReplicaId>) -> BoxFuture<'_, Result<History, Error>> {
        ready(self.run(document, |found, _| Ok(found.open(ids))))
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), Error>> {
        ready(Ok(()))
    }

    fn push(
        &self,
        document: &str,
        user: &str,
        entries: Vec<Entry>,
        now_ms: u64,
    ) -> BoxFuture<'_, Result<PushOutcome, Error>> {
        ready(check_user(user).and_then(|()| {
            self.run(document, |found, epoch| {
                Ok(found.push(epoch, user, &entries, now_ms))
            })
        }))
    }

    fn page(
        &self,
        document: &str,
        after: Sequence,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Option<Page>, Error>> {
        ready(self.run(document, |found, _| found.page(after, bytes)))
    }

    fn range(
        &self,
        document: &str,
        after: Option<PathBuf>,
        bytes: usize,
    ) -> BoxFuture<'_, Result<CellRange, Error>> {
        ready(self.run(document, |found, _| found.range(after.as_ref(), bytes)))
    }

    fn join_cells(
        &self,
        document: &str,
        user: Option<&str>,
        cells: Patch,
        now_ms: u64,
        latest: Time,
    ) -> BoxFuture<'_, Result<JoinOutcome, Error>> {
        ready(check_user(user.unwrap_or_default()).and_then(|()| {
            self.run(document, |found, epoch| {
                Ok(found.join_cells(epoch, user, &cells, now_ms, latest))
            })
        }))
    }

    fn raise_heads(
        &self,
        document: &str,
        user: &str,
        heads: Vec<(ReplicaId, IdHead)>,
    ) -> BoxFuture<'_, Result<HeadsOutcome, Error>> {
        ready(check_user(user).and_then(|()| {
            self.run(document, |found, epoch| {
                Ok(found.raise_heads(epoch, user, &heads))
            })
        }))
    }

    fn forget(
        &self,
        document: &str,
        before: Time,
        received_before_ms: u64,
    ) -> BoxFuture<'_, Result<(), Error>> {
        ready(self.run(document, |found, _| {
            found.forget(before, received_before_ms);
            Ok(())
        }))
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let documents = self.documents.lock();
        let all = documents.range::<str, _>((from, Bound::Unbounded));
        let names = all.filter(|(_, document)| !document.lock().is_removed);
        let names = names.map(|(name, _)| name.clone());
        ready(Ok(names.take(listed(most)).collect()))
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        ready(check_name(document).map(|()| {
            let found = self.documents.lock().get(document).map(Arc::clone);
            if let Some(found) = found {
                found.lock().remove();
            }
        }))
    }

    fn new_epoch(&self) -> Result<(), Error> {
        let epoch = Epoch::random()?.get();
        self.epoch.store(epoch, Ordering::Relaxed);
        Ok(())
    }
}
