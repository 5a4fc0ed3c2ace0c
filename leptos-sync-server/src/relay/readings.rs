use std::sync::Arc;

use leptos_sync_core::Delta;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{limits, log::Since};

/// The limits on reading the operations that clients lack: how many reads run at a time, and how
/// much memory their results take until they are sent.
///
/// A connection first waits for a permit of its user, then for a permit of the relay. Both queues
/// are in the order of arrival. So a user who opens documents in a loop waits for their own reads,
/// and others wait for at most a few of these.
pub(super) struct Readings {
    running: Arc<Semaphore>,
    /// One permit for each KiB.
    memory: Arc<Semaphore>,
}

/// The memory that the result of a read takes. It becomes available again when this is dropped.
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
    /// Returns the permits of a new user for [`limits::USER_READINGS`] reads at a time.
    pub(super) fn of_user() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(limits::USER_READINGS))
    }

    /// Waits until another read may run.
    pub(super) async fn run(&self) -> Option<OwnedSemaphorePermit> {
        // The semaphore is never closed.
        Arc::clone(&self.running).acquire_owned().await.ok()
    }

    /// Reserves memory for a result. Returns `None` if too little is available.
    pub(super) fn hold(&self, since: &Since) -> Option<Held> {
        let bytes: usize = match since {
            Since::Delta(parts) => parts.iter().map(Delta::bytes).sum(),
            Since::Snapshot(parts) => parts.iter().map(|part| part.bytes()).sum(),
        };
        // A document that exceeds the limit can be sent if no other one is.
        let kib = (bytes / KIB).min(limits::READINGS_BYTES / KIB) as u32;
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(kib);
        memory.ok().map(|memory| Held { _memory: memory })
    }
}

const KIB: usize = 1024;
