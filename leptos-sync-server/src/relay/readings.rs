use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits;

/// The limit on how many pages and ranges are read from the log at a time.
///
/// A connection first waits for a permit of its user, then for a permit of the relay. Both queues
/// are in the order of arrival. So a user who reads in a loop waits for their own reads, and others
/// wait for at most a few of these. A connection holds both permits while it reads one page, and
/// sends the page before it reads the next one. So a slow connection takes the memory of one page
/// and blocks no other connection.
pub(super) struct Readings(Arc<Semaphore>);

impl Default for Readings {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(limits::READINGS)))
    }
}

impl Readings {
    /// Returns the permits of a new user for [`limits::USER_READINGS`] reads at a time.
    pub(super) fn of_user() -> Arc<Semaphore> {
        Arc::new(Semaphore::new(limits::USER_READINGS))
    }

    /// Waits until a user may read. The read ends when the permits are dropped.
    pub(super) async fn turn(&self, user: Arc<Semaphore>) -> Option<[OwnedSemaphorePermit; 2]> {
        // The semaphores are never closed.
        let of_user = user.acquire_owned().await.ok()?;
        let running = Arc::clone(&self.0).acquire_owned().await.ok()?;
        Some([of_user, running])
    }
}
