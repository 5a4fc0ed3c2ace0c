use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::limits;

/// The bytes that a client has sent on a connection, and those that it may still send. They are
/// unlimited until the request for a WebSocket. From then on, they are limited until the client is
/// admitted, and later until the end of each message.
///
/// A WebSocket message is assembled from its fragments before the relay sees it. So its size is
/// bounded below the WebSocket: [`serve`](crate::serve) adds a budget to each request and stops
/// reading when it is spent.
#[derive(Clone, Debug)]
pub(crate) struct ReadBudget(Arc<Bytes>);

#[derive(Debug)]
struct Bytes {
    left: AtomicUsize,
    read: AtomicUsize,
    is_admitted: AtomicBool,
}

impl ReadBudget {
    /// Limits the bytes that are read from now on.
    pub(super) fn limit(&self, bytes: usize) {
        self.0.left.store(bytes, Ordering::Relaxed);
    }

    /// Replaces the limit before admission with one for each message.
    pub(super) fn admit(&self) {
        self.0.is_admitted.store(true, Ordering::Relaxed);
        self.renew();
    }

    /// Renews the limit of an admitted client, which has sent a whole message.
    pub(super) fn renew(&self) {
        if self.0.is_admitted.load(Ordering::Relaxed) {
            self.limit(limits::UNFINISHED_BYTES);
        }
    }

    /// Returns the number of bytes that were read, modulo the greatest number.
    pub(super) fn read(&self) -> usize {
        self.0.read.load(Ordering::Relaxed)
    }

    /// Returns whether nothing more may be read.
    pub(crate) fn is_spent(&self) -> bool {
        self.0.left.load(Ordering::Relaxed) == 0
    }
}

#[cfg(feature = "serve")]
impl ReadBudget {
    /// Creates an unlimited budget.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Bytes {
            left: AtomicUsize::new(usize::MAX),
            read: AtomicUsize::new(0),
            is_admitted: AtomicBool::new(false),
        }))
    }

    /// Subtracts bytes that were read.
    pub(crate) fn spend(&self, bytes: usize) {
        self.0.read.fetch_add(bytes, Ordering::Relaxed);
        let left = self.0.left.load(Ordering::Relaxed);
        if left != usize::MAX {
            // It was renewed if it changed meanwhile.
            let _ = self.0.left.compare_exchange(
                left,
                left.saturating_sub(bytes),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}
