use std::sync::Arc;

use leptos_sync_core::Delta;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{limits, log::Since};

/// The readings of what clients lack: how many run at a time, and how much memory they take until
/// they are sent.
///
/// A connection first waits for one of its user's readings, then for one of all. Both queues are in
/// the order of arrival, so a user who opens documents in a loop waits for their own readings, and
/// others wait for a few of theirs at most.
pub(super) struct Readings {
    running: Arc<Semaphore>,
    /// A permit for each KiB.
    memory: Arc<Semaphore>,
}

/// Memory that a reading takes. It is free when this is dropped.
pub(super) struct Held {
    _memory: OwnedSemaphorePermit,
}

impl Default for Readings {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(limits::READINGS)),
            memory: Arc::new(Semaphore::new(limits::READINGS_BYTES / KIB)),
        }
    }
}

impl Readings {
    /// Returns the readings of a user.
    pub(super) fn of_user() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(limits::USER_READINGS))
    }

    /// Waits until another reading may run.
    pub(super) async fn run(&self) -> Option<OwnedSemaphorePermit> {
        // It is never closed.
        Arc::clone(&self.running).acquire_owned().await.ok()
    }

    /// Takes memory for a result, unless too much is taken already.
    pub(super) fn hold(&self, since: &Since) -> Option<Held> {
        let bytes: usize = match since {
            Since::Delta(parts) => parts.iter().map(Delta::bytes).sum(),
            Since::Snapshot(parts) => parts.iter().map(|part| part.bytes()).sum(),
        };
        // A document larger than all memory can be read alone.
        let kib = (bytes / KIB).min(limits::READINGS_BYTES / KIB) as u32;
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(kib);
        memory.ok().map(|memory| Held { _memory: memory })
    }
}

const KIB: usize = 1024;
