#[cfg(target_arch = "wasm32")]
use std::{future::poll_fn, task::Poll};

use futures::task::AtomicWaker;

use crate::lock::Mutex;

/// What is on its way from the reactive graph, on whatever thread, to the task that does it.
///
/// Nothing is kept where nobody takes it: on a server, and in a browser without storage.
pub(crate) struct Outbox<T> {
    queue: Mutex<Queue<T>>,
    waker: AtomicWaker,
}

struct Queue<T> {
    items: Vec<T>,
    /// Set where nobody will ever take anything out.
    closed: bool,
}

impl<T> Outbox<T> {
    pub(crate) fn new() -> Self {
        Self {
            queue: Mutex::new(Queue {
                items: Vec::new(),
                closed: false,
            }),
            waker: AtomicWaker::new(),
        }
    }

    pub(crate) fn push(&self, item: T) {
        let mut queue = self.queue.lock();
        // In a browser the storage may come later than the first edit; on a server it never comes.
        if cfg!(target_arch = "wasm32") && !queue.closed {
            queue.items.push(item);
            drop(queue);
            self.waker.wake();
        }
    }
}

#[cfg(target_arch = "wasm32")]
impl<T> Outbox<T> {
    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut self.queue.lock().items)
    }

    /// From now on nothing is kept.
    pub(crate) fn close(&self) {
        *self.queue.lock() = Queue {
            items: Vec::new(),
            closed: true,
        };
        self.waker.wake();
    }

    /// Resolves when there is something to take, with `true`, or when there never will be.
    pub(crate) async fn filled(&self) -> bool {
        poll_fn(|context| {
            self.waker.register(context.waker());
            let queue = self.queue.lock();
            if queue.items.is_empty() && !queue.closed {
                Poll::Pending
            } else {
                Poll::Ready(!queue.closed)
            }
        })
        .await
    }
}
