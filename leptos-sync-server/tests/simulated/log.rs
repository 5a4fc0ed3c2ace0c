use std::{sync::Arc, time::Duration};

use futures::future::BoxFuture;
use leptos_sync_core::{Delta, ReplicaId, Time, VersionVector};
use leptos_sync_server::{DocumentState, DurableLog, Error, MemoryLog, Since};
use tokio::time::sleep;

/// A log with a slow disk. A relay that is killed before the write has stored nothing. A relay that
/// is killed after it has stored everything and acknowledged nothing.
#[derive(Clone)]
pub(crate) struct SlowLog {
    log: Arc<MemoryLog>,
    random: Arc<parking_lot::Mutex<super::Random>>,
}

impl SlowLog {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            log: Arc::new(MemoryLog::new()),
            random: Arc::new(parking_lot::Mutex::new(super::Random::new(seed))),
        }
    }

    /// Returns the stored documents, without the delay.
    pub(crate) fn kept(&self) -> &MemoryLog {
        &self.log
    }

    async fn pause(&self) {
        let ms = self.random.lock().below(8);
        sleep(Duration::from_millis(ms)).await;
    }
}

impl DurableLog for SlowLog {
    fn state(&self, document: &str) -> BoxFuture<'_, Result<DocumentState, Error>> {
        let document = document.to_owned();
        Box::pin(async move {
            self.pause().await;
            self.log.state(&document).await
        })
    }

    fn append(&self, document: &str, deltas: Vec<Delta>) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        Box::pin(async move {
            self.pause().await;
            let done = self.log.append(&document, deltas).await;
            self.pause().await;
            done
        })
    }

    fn append_as(
        &self,
        document: &str,
        deltas: Vec<Delta>,
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        let (document, user) = (document.to_owned(), user.to_owned());
        Box::pin(async move {
            self.pause().await;
            let done = self.log.append_as(&document, deltas, &user).await;
            self.pause().await;
            done
        })
    }

    fn claim(&self, document: &str, upto: VersionVector) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        Box::pin(async move {
            self.pause().await;
            let done = self.log.claim(&document, upto).await;
            self.pause().await;
            done
        })
    }

    fn since(
        &self,
        document: &str,
        version: &VersionVector,
        bytes: usize,
    ) -> BoxFuture<'_, Result<Since, Error>> {
        let (document, version) = (document.to_owned(), version.clone());
        Box::pin(async move {
            self.pause().await;
            // Use small parts, so that there are several.
            self.log.since(&document, &version, bytes.min(200)).await
        })
    }

    fn forget_tombstones(&self, document: &str, before: Time) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        Box::pin(async move { self.log.forget_tombstones(&document, before).await })
    }

    fn documents(
        &self,
        after: Option<&str>,
        most: usize,
    ) -> BoxFuture<'_, Result<Vec<String>, Error>> {
        self.log.documents(after, most)
    }

    fn bind(
        &self,
        replicas: &[ReplicaId],
        user: &str,
    ) -> BoxFuture<'_, Result<Vec<ReplicaId>, Error>> {
        let (replicas, user) = (replicas.to_vec(), user.to_owned());
        Box::pin(async move { self.log.bind(&replicas, &user).await })
    }

    fn remove(&self, document: &str) -> BoxFuture<'_, Result<(), Error>> {
        let document = document.to_owned();
        Box::pin(async move { self.log.remove(&document).await })
    }
}
