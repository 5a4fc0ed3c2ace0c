use std::{collections::VecDeque, sync::Arc, thread};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{
    fault::fault,
    options::SqliteOptions,
    pending::Pending,
    readers::{closed, join, spawn},
    tidying::Tidying,
    trust::Trust,
    work::{Answer, Chore, Done, Job, Work},
};
use crate::{error::Error, limits};

/// The handle to the only thread that writes.
///
/// **Group commit**: the writer commits all queued operations together, each in its own savepoint,
/// so that a failed one does not affect the others. While the disk syncs, the operations of the
/// next commit queue up. Answers are sent after the commit.
pub(super) struct Writer {
    /// `None` once the log is closed.
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
    /// `None` once the log is closed.
    tidying: Option<Tidying>,
}

impl Writer {
    pub(super) fn start(connection: Connection, trust: Arc<Trust>) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel(limits::QUEUED_WRITES);
        let writing = Writing {
            connection,
            trust,
            jobs,
            pending: Pending::default(),
            // An earlier process may have left cells of removed documents.
            chores: VecDeque::from([Chore::Clear]),
            is_tidy: true,
            must_tidy: false,
        };
        let thread = spawn("leptos-sync writer", move || writing.run())?;
        Ok(Self {
            tidying: Some(Tidying::start(&queue)?),
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Queues an operation and waits until it is committed.
    pub(super) async fn ask(&self, work: Work) -> Answer {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        let job = Job { work, answer };
        queue.send(job).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl Drop for Writer {
    /// Waits until all queued operations are committed.
    fn drop(&mut self) {
        self.tidying = None;
        self.queue = None;
        join(self.thread.take().into_iter());
    }
}

/// The state of the writer thread.
struct Writing {
    connection: Connection,
    trust: Arc<Trust>,
    jobs: mpsc::Receiver<Job>,
    pending: Pending,
    chores: VecDeque<Chore>,
    /// Whether nothing was written since the write-ahead log was emptied.
    is_tidy: bool,
    /// Whether to empty the write-ahead log when no chore is left.
    must_tidy: bool,
}

impl Writing {
    fn run(mut self) {
        while self.wait() {
            let jobs = self.pending.next();
            if !jobs.is_empty() {
                self.commit(jobs);
            }
            if let Some(chore) = self.chores.pop_front() {
                self.step(chore);
            }
            if self.must_tidy && self.chores.is_empty() {
                self.tidy();
            }
        }
    }

    /// Empties the write-ahead log if it may contain anything. If that fails, or a reader prevents
    /// it, the next time succeeds.
    fn tidy(&mut self) {
        self.must_tidy = false;
        if !self.is_tidy {
            self.is_tidy = SqliteOptions::empty_wal(&self.connection).unwrap_or(false);
        }
    }

    fn take(&mut self, job: Job) {
        match job.work {
            Work::Tidy => self.must_tidy = true,
            _ => self.pending.add(job),
        }
    }

    /// Takes the queued operations, and waits for one if there is no other work. Returns whether
    /// there is work. Once the log is closed, there is none.
    fn wait(&mut self) -> bool {
        while self.pending.len() < limits::QUEUED_WRITES {
            match self.jobs.try_recv() {
                Ok(job) => self.take(job),
                Err(_) if self.pending.len() > 0 => break,
                // The remaining work continues at the next start.
                Err(TryRecvError::Disconnected) => {
                    self.chores.retain(Chore::is_append);
                    return !self.chores.is_empty();
                }
                Err(TryRecvError::Empty) if !self.chores.is_empty() || self.must_tidy => break,
                Err(TryRecvError::Empty) => match self.jobs.blocking_recv() {
                    Some(job) => self.take(job),
                    None => return false,
                },
            }
        }
        true
    }

    /// Commits the operations together. If the transaction fails as a whole, for example because
    /// the disk is full, commits each operation on its own.
    fn commit(&mut self, jobs: Vec<Job>) {
        self.is_tidy = false;
        match self.attempt(&jobs) {
            Ok(done) => {
                for (job, done) in jobs.into_iter().zip(done) {
                    self.settle(job, done);
                }
            }
            Err(_) if jobs.len() > 1 => {
                for job in jobs {
                    self.commit(vec![job]);
                }
            }
            Err(error) => {
                for job in jobs {
                    self.settle(job, Err(error.clone()));
                }
            }
        }
    }

    /// Returns the result of each operation, or the error that rolled back the transaction.
    fn attempt(&mut self, jobs: &[Job]) -> Result<Vec<Result<Done, Error>>, Error> {
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        let mut all = Vec::with_capacity(jobs.len());
        for job in jobs {
            let savepoint = transaction.savepoint().map_err(fault)?;
            let done = job.work.perform(&savepoint, &self.trust);
            if let (Err(error), true) = (&done, savepoint.is_autocommit()) {
                // SQLite has rolled back the whole transaction.
                return Err(error.clone());
            }
            if done.is_ok() {
                savepoint.commit().map_err(fault)?;
            } else {
                savepoint.finish().map_err(fault)?;
            }
            all.push(done);
        }
        transaction.commit().map_err(fault)?;
        Ok(all)
    }

    fn settle(&mut self, job: Job, done: Result<Done, Error>) {
        let Job { work, answer } = job;
        let answered = match (done, work) {
            (Ok(Done::Answer(taken)), _) => Ok(taken),
            (Ok(Done::Forget), Work::Forget { document, .. }) => {
                return self.chores.push_back(Chore::Forget { document, answer });
            }
            (Ok(Done::Failed(error)), _) => Err(error),
            (
                Ok(Done::Parts(id)),
                Work::Parts {
                    document, parts, ..
                },
            ) => {
                let parts = parts.into();
                return self.chores.push_back(Chore::Join {
                    document,
                    id,
                    parts,
                    answer,
                });
            }
            (Ok(Done::Removed), Work::Remove { document }) => {
                self.trust.removed(&self.connection, &document);
                self.chores.push_back(Chore::Clear);
                Ok(Vec::new())
            }
            (Ok(_), _) => Ok(Vec::new()),
            (Err(error), work) => Err(match work.document() {
                Some(document) => self.trust.of_document(&self.connection, document, error),
                None => error.of_bindings(),
            }),
        };
        // The caller may have dropped the future.
        let _ = answer.send(answered);
    }

    /// Runs one step of background work. Writes wait at most for this step.
    fn step(&mut self, mut chore: Chore) {
        self.is_tidy = false;
        match self.attempt_step(&chore) {
            Ok(true) => {
                chore.advance();
                self.chores.push_back(chore);
            }
            done => {
                // What was removed is still in the write-ahead log.
                self.must_tidy |= !chore.is_append();
                let done = done.map(|_| Vec::new());
                if let Some((document, answer)) = chore.into_answer() {
                    let of_document =
                        |error| self.trust.of_document(&self.connection, &document, error);
                    let _ = answer.send(done.map_err(of_document));
                }
                // Cells that remain in a damaged tree only take space. The next start tries again.
            }
        }
    }

    fn attempt_step(&mut self, chore: &Chore) -> Result<bool, Error> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        let more = chore.step(&transaction, &self.trust)?;
        transaction.commit().map_err(fault)?;
        Ok(more)
    }
}
