use std::{
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    readers::{join, spawn},
    work::{Message, Operations},
};
use crate::{error::Error, limits};

/// A thread that asks the writer every [`limits::TIDY_MS`] milliseconds to empty SQLite's
/// write-ahead log, which still contains recently removed and replaced values.
pub(super) struct Tidying {
    /// `None` once the log is closed.
    stop: Option<Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Tidying {
    pub(super) fn start<O: Operations>(queue: &mpsc::Sender<Message<O>>) -> Result<Self, Error> {
        // The writer ends when the last sender is dropped.
        let queue = queue.downgrade();
        let (stop, stopped) = channel::<()>();
        let pause = Duration::from_millis(limits::TIDY_MS);
        let ask = move || {
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout)
                && let Some(queue) = queue.upgrade()
            {
                // If the queue is full, there is more important work.
                let _ = queue.try_send(Message::Tidy);
            }
        };
        Ok(Self {
            stop: Some(stop),
            thread: Some(spawn("leptos-sync tidying", ask)?),
        })
    }
}

impl Drop for Tidying {
    fn drop(&mut self) {
        self.stop = None;
        join(self.thread.take().into_iter());
    }
}
