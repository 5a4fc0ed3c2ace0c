use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// The bytes that a client may still send on a connection. Unlimited, except between the request
/// for a WebSocket and the admission of the client.
///
/// A WebSocket message is assembled from its fragments before the relay sees it. So its size is
/// bounded below the WebSocket: [`serve`](crate::serve) adds a budget to each request and stops
/// reading when it is spent.
#[derive(Clone, Debug)]
pub(crate) struct ReadBudget(Arc<AtomicUsize>);

impl ReadBudget {
    /// Limits the bytes that are read from now on.
    pub(super) fn limit(&self, bytes: usize) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Removes the limit.
    pub(super) fn lift(&self) {
        self.0.store(usize::MAX, Ordering::Relaxed);
    }
}

#[cfg(feature = "serve")]
impl ReadBudget {
    /// Creates an unlimited budget.
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicUsize::new(usize::MAX)))
    }

    /// Returns whether nothing more may be read.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }

    /// Subtracts bytes that were read.
    pub(crate) fn spend(&self, bytes: usize) {
        let left = self.0.load(Ordering::Relaxed);
        if left != usize::MAX {
            // It was lifted if it changed meanwhile.
            let _ = self.0.compare_exchange(
                left,
                left.saturating_sub(bytes),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}
