#[cfg(target_arch = "wasm32")]
use std::{future::poll_fn, task::Poll};

use futures::task::AtomicWaker;
use leptos_sync_core::Delta;
use parking_lot::Mutex;

/// Transactions on their way from the reactive graph, on whatever thread, to the task that writes them.
///
/// Nothing is kept where nobody writes: on a server, and in a browser without storage.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    deltas: Vec<Delta>,
    /// Set where nobody will ever take anything out.
    closed: bool,
}

impl Outbox {
    pub(crate) fn push(&self, delta: Delta) {
        let mut queue = self.queue.lock();
        // In a browser the storage may come later than the first edit; on a server it never comes.
        if cfg!(target_arch = "wasm32") && !queue.closed {
            queue.deltas.push(delta);
            drop(queue);
            self.waker.wake();
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl Outbox {
    pub(crate) fn take(&self) -> Vec<Delta> {
        std::mem::take(&mut self.queue.lock().deltas)
    }

    /// From now on nothing is kept.
    pub(crate) fn close(&self) {
        *self.queue.lock() = Queue {
            deltas: Vec::new(),
            closed: true,
        };
    }

    /// Resolves when there is something to take.
    pub(crate) async fn filled(&self) {
        poll_fn(|context| {
            self.waker.register(context.waker());
            if self.queue.lock().deltas.is_empty() {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    }
}
