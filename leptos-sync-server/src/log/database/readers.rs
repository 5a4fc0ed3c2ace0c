use std::{path::Path, sync::Arc, thread};

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::{fault::fault, options::SqliteOptions};
use crate::{error::Error, limits};

type Task = Box<dyn FnOnce(&mut Connection) + Send>;

/// A pool of threads that read committed data, each with its own connection. Readers and the writer
/// never wait for each other.
pub(in crate::log) struct Readers {
    /// `None` once the log is closed.
    queue: Option<mpsc::Sender<Task>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(path: &Path, count: usize) -> Result<Self, Error> {
        let (queue, tasks) = mpsc::channel::<Task>(limits::QUEUED_READS);
        let tasks = Arc::new(Mutex::new(tasks));
        let mut readers = Self {
            queue: Some(queue),
            threads: Vec::new(),
        };
        for _ in 0..count {
            let mut connection = SqliteOptions::reading(path)?;
            let tasks = Arc::clone(&tasks);
            let work = move || {
                // One thread waits for a task and holds the lock; it releases the lock before it
                // runs the task.
                while let Some(task) = { tasks.lock().blocking_recv() } {
                    task(&mut connection);
                }
            };
            readers.threads.push(spawn("leptos-sync reader", work)?);
        }
        Ok(readers)
    }

    /// Runs a read in one transaction, so that it sees a consistent state.
    pub(in crate::log) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let task: Task = Box::new(move |connection| {
            let transaction = connection.transaction().map_err(fault);
            let read = transaction.and_then(|transaction| work(&transaction));
            // The caller may have dropped the future.
            let _ = answer.send(read);
        });
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        queue.send(task).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue = None;
        join(self.threads.drain(..));
    }
}

/// Spawns a thread with a name.
pub(super) fn spawn(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<thread::JoinHandle<()>, Error> {
    let spawned = thread::Builder::new().name(name.to_owned()).spawn(work);
    spawned
        .map_err(|error| Error::unavailable(format!("the log could not start a thread: {error}")))
}

/// Waits for threads that are about to end.
pub(super) fn join(threads: impl Iterator<Item = thread::JoinHandle<()>>) {
    for thread in threads {
        // A thread that panicked has reported it already.
        let _ = thread.join();
    }
}

pub(super) fn closed() -> Error {
    Error::unavailable("the log's thread has ended; open the log again")
}
