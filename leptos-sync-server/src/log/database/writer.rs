use std::{collections::VecDeque, sync::Arc, thread};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{
    mpsc::{self, error::TryRecvError},
    oneshot,
};

use super::{
    fault::fault,
    identity::Identities,
    options::SqliteOptions,
    pending::Pending,
    readers::{closed, join, spawn},
    tidying::Tidying,
    work::{Finished, Job, Message, Operations},
};
use crate::{error::Error, limits};

/// The handle to the only thread that writes.
///
/// **Group commit**: the writer commits all queued operations together, each in its own savepoint,
/// so that a failed one does not affect the others. While the disk syncs, the operations of the
/// next commit queue up. Answers are sent after the commit.
pub(super) struct Writer<O: Operations> {
    /// `None` once the log is closed.
    queue: Option<mpsc::Sender<Message<O>>>,
    thread: Option<thread::JoinHandle<()>>,
    /// `None` once the log is closed.
    tidying: Option<Tidying>,
}

impl<O: Operations> Writer<O> {
    pub(super) fn start(
        connection: Connection,
        operations: Arc<O>,
        identities: Arc<Identities>,
    ) -> Result<Self, Error> {
        let (queue, jobs) = mpsc::channel(limits::QUEUED_WRITES);
        let writing = Writing {
            connection,
            identities,
            jobs,
            pending: Pending::default(),
            chores: VecDeque::from([(operations.first_chore(), None)]),
            operations,
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
    pub(super) async fn ask(&self, work: O::Work) -> Result<O::Answer, Error> {
        let (answer, answered) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(closed)?;
        let job = Job { work, answer };
        queue.send(Message::Job(job)).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

impl<O: Operations> Drop for Writer<O> {
    /// Waits until all queued operations are committed.
    fn drop(&mut self) {
        self.tidying = None;
        self.queue = None;
        join(self.thread.take().into_iter());
    }
}

/// The state of the writer thread.
struct Writing<O: Operations> {
    connection: Connection,
    identities: Arc<Identities>,
    operations: Arc<O>,
    jobs: mpsc::Receiver<Message<O>>,
    pending: Pending<Job<O>>,
    /// The work that runs in steps, each with the channel for its answer if a caller waits for one.
    chores: VecDeque<(O::Chore, Option<Waiting<O>>)>,
    /// Whether nothing was written since the write-ahead log was emptied.
    is_tidy: bool,
    /// Whether to empty the write-ahead log when no chore is left.
    must_tidy: bool,
}

type Waiting<O> = oneshot::Sender<Result<<O as Operations>::Answer, Error>>;

impl<O: Operations> Writing<O> {
    fn run(mut self) {
        while self.wait() {
            let jobs = self.pending.next();
            if !jobs.is_empty() {
                self.commit(jobs);
            }
            if let Some((chore, waiting)) = self.chores.pop_front() {
                self.step(chore, waiting);
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
        if !self.is_tidy && self.identities.check().is_ok() {
            self.is_tidy = SqliteOptions::empty_wal(&self.connection).unwrap_or(false);
        }
    }

    fn take(&mut self, message: Message<O>) {
        match message {
            Message::Tidy => self.must_tidy = true,
            Message::Job(job) => self.pending.add(job),
        }
    }

    /// Takes the queued operations, and waits for one if there is no other work. Returns whether
    /// there is work. Once the log is closed, there is none.
    fn wait(&mut self) -> bool {
        while self.pending.len() < limits::QUEUED_WRITES {
            match self.jobs.try_recv() {
                Ok(message) => self.take(message),
                Err(_) if self.pending.len() > 0 => break,
                // The remaining work continues at the next start.
                Err(TryRecvError::Disconnected) => {
                    let operations = &self.operations;
                    self.chores.retain(|(chore, _)| operations.must_end(chore));
                    return !self.chores.is_empty();
                }
                Err(TryRecvError::Empty) if !self.chores.is_empty() || self.must_tidy => break,
                Err(TryRecvError::Empty) => match self.jobs.blocking_recv() {
                    Some(message) => self.take(message),
                    None => return false,
                },
            }
        }
        true
    }

    /// Commits the operations together. If the transaction fails as a whole, for example because
    /// the disk is full, commits each operation on its own.
    fn commit(&mut self, jobs: Vec<Job<O>>) {
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
    fn attempt(&mut self, jobs: &[Job<O>]) -> Result<Vec<Result<O::Done, Error>>, Error> {
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        self.identities.check()?;
        let mut all = Vec::with_capacity(jobs.len());
        for job in jobs {
            let savepoint = transaction.savepoint().map_err(fault)?;
            let done = self.operations.perform(&savepoint, &job.work);
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

    fn settle(&mut self, job: Job<O>, done: Result<O::Done, Error>) {
        let Job { work, answer } = job;
        let answered = match self.operations.finish(&self.connection, work, done) {
            Finished::Answer(answered) => answered,
            Finished::After(chore) => return self.chores.push_back((chore, Some(answer))),
            Finished::Before(answered, chore) => {
                self.chores.push_back((chore, None));
                answered
            }
        };
        // The caller may have dropped the future.
        let _ = answer.send(answered);
    }

    /// Runs one step of background work. Writes wait at most for this step.
    fn step(&mut self, mut chore: O::Chore, waiting: Option<Waiting<O>>) {
        self.is_tidy = false;
        let done = self.attempt_step(&mut chore);
        if matches!(done, Ok(true)) {
            return self.chores.push_back((chore, waiting));
        }
        // What was removed is still in the write-ahead log.
        self.must_tidy |= !self.operations.must_end(&chore);
        let done = done.map(|_| ());
        let answered = self.operations.end(&self.connection, chore, done);
        if let Some(waiting) = waiting {
            let _ = waiting.send(answered);
        }
        // Cells that remain in a damaged tree only take space. The next start tries again.
    }

    fn attempt_step(&mut self, chore: &mut O::Chore) -> Result<bool, Error> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(fault)?;
        self.identities.check()?;
        let more = self.operations.step(&transaction, chore)?;
        transaction.commit().map_err(fault)?;
        Ok(more)
    }
}
