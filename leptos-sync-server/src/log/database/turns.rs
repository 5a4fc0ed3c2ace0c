use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{Mutex as Waiting, OwnedMutexGuard};

/// The turns that serialize work on one document without blocking work on others. Waiting takes no
/// thread.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<String, Arc<Waiting<()>>>>>);

/// A turn on a document. The turn ends when this is dropped.
pub(super) struct Turn {
    turns: Turns,
    document: String,
    /// `None` while waiting.
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turns {
    pub(super) async fn wait(&self, document: &str) -> Turn {
        // Create the turn first, so that a caller that gives up cleans up too.
        let mut turn = Turn {
            turns: self.clone(),
            document: document.to_owned(),
            guard: None,
        };
        let waiting = Arc::clone(self.0.lock().entry(document.to_owned()).or_default());
        turn.guard = Some(waiting.lock_owned().await);
        turn
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut turns = self.turns.0.lock();
        // The entry is unused if no other turn holds it or waits for it.
        let is_last = |waiting: &Arc<Waiting<()>>| Arc::strong_count(waiting) == 1;
        if turns.get(&self.document).is_some_and(is_last) {
            turns.remove(&self.document);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, future::join};

    use super::*;

    #[tokio::test]
    async fn turns_are_exclusive_and_leave_nothing_behind() {
        let turns = Turns::default();
        let first = turns.wait("board").await;
        let mut second = Box::pin(turns.wait("board"));
        let mut third = Box::pin(turns.wait("board"));
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        assert!(turns.wait("other").now_or_never().is_some());
        drop(third);
        drop(first);
        drop(second.await);
        assert_eq!(turns.0.lock().len(), 0);
        let both = join(turns.wait("board").map(drop), turns.wait("board").map(drop));
        both.await;
        assert_eq!(turns.0.lock().len(), 0);
    }
}
