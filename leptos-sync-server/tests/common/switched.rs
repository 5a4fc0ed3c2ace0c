use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use leptos_sync_server::{Error, MemoryLog};
use tokio::sync::watch;

use super::hooked_log::{Call, Hook, HookedLog};

/// A log that fails on demand: completely, like a broken disk, or only for writes, like a full one.
pub(crate) type SwitchedLog = HookedLog<Switches>;

#[derive(Clone, Default)]
pub(crate) struct Switches {
    off: Arc<AtomicBool>,
    full: Arc<AtomicBool>,
    loses: Arc<AtomicBool>,
    held: Arc<watch::Sender<bool>>,
    reading: Arc<AtomicUsize>,
}

impl SwitchedLog {
    pub(crate) fn in_memory() -> Self {
        let log = MemoryLog::new().unwrap();
        Self::new(Arc::new(log), Switches::default())
    }

    pub(crate) fn switch(&self, on: bool) {
        self.hook.off.store(!on, Ordering::SeqCst);
    }

    /// Makes writes fail or succeed. Reads always succeed.
    pub(crate) fn fill(&self, full: bool) {
        self.hook.full.store(full, Ordering::SeqCst);
    }

    /// Makes writes take effect and report an error, or succeed.
    pub(crate) fn lose_answers(&self, loses: bool) {
        self.hook.loses.store(loses, Ordering::SeqCst);
    }

    /// Makes reads of pages wait until they are released.
    pub(crate) fn hold(&self, held: bool) {
        self.hook.held.send_replace(held);
    }

    /// Returns the number of such reads that are waiting.
    pub(crate) fn reading(&self) -> usize {
        self.hook.reading.load(Ordering::SeqCst)
    }
}

impl Hook for Switches {
    async fn run<T: Send>(
        self,
        call: Call,
        run: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if self.off.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the disk is gone"));
        }
        let writes = call == Call::Write;
        if writes && self.full.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the disk is full"));
        }
        if call == Call::ReadPage {
            self.reading.fetch_add(1, Ordering::SeqCst);
            let mut held = self.held.subscribe();
            // Waiting fails only if the last log is dropped.
            let _ = held.wait_for(|held| !held).await;
            self.reading.fetch_sub(1, Ordering::SeqCst);
        }
        let done = run.await?;
        if writes && self.loses.load(Ordering::SeqCst) {
            return Err(Error::unavailable("the disk has not answered"));
        }
        Ok(done)
    }
}
