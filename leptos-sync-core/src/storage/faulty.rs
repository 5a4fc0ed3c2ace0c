use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::{Batch, Expected, Record, Scan, Storage};
use crate::error::Error;

/// A [`Storage`] that fails where a test tells it to: for tests of whatever stands on a storage.
///
/// Operations are counted from 0, a commit when it is issued; commits are counted by themselves as well. What fails is
/// decided by those numbers and a seed alone, so that a history that failed once fails again. A clone of it, where the
/// store has any, shares the counts and the faults. It does not know time: nothing is late, it is there or it fails.
///
/// [`Fault::AnswerLost`] breaks the law that an error has changed nothing, as a disk does whose answer never came.
///
/// # Example
///
/// ```
/// use std::{pin::pin, task::{Context, Poll, Waker}};
/// use leptos_sync_core::{Batch, Fault, FaultyStorage, MemoryStorage, Storage};
///
/// let memory = MemoryStorage::new();
/// let store = FaultyStorage::new(memory.clone());
/// store.fail_commit(0, Fault::Quota);
///
/// let mut batch = Batch::new();
/// batch.put(*b"list", *b"milk");
/// let commit = pin!(store.commit(batch));
/// let Poll::Ready(answer) = commit.poll(&mut Context::from_waker(Waker::noop())) else {
///     panic!("memory never waits");
/// };
/// assert!(answer.unwrap_err().is_quota());
/// assert!(memory.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct FaultyStorage<S> {
    store: S,
    plan: Arc<Mutex<Plan>>,
}

/// How an operation of a [`FaultyStorage`] fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Before it reaches the store.
    Refused,
    /// Before it reaches the store, because there is no room.
    Quota,
    /// After it took effect: only the answer is an error.
    AnswerLost,
}

#[derive(Debug, Default)]
struct Plan {
    operations: u64,
    commits: u64,
    by_operation: BTreeMap<u64, Fault>,
    by_commit: BTreeMap<u64, Fault>,
    chance: Option<Chance>,
}

/// Faults that nobody has listed.
#[derive(Debug)]
struct Chance {
    state: u64,
    one_in: u64,
}

impl<S> FaultyStorage<S> {
    /// `store`, without faults yet.
    pub fn new(store: S) -> Self {
        Self {
            store,
            plan: Arc::default(),
        }
    }

    /// The store below.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Lets the operation with that number fail, whatever it does.
    pub fn fail_operation(&self, number: u64, fault: Fault) {
        self.plan.lock().by_operation.insert(number, fault);
    }

    /// Lets the commit with that number fail, counted among commits.
    pub fn fail_commit(&self, number: u64, fault: Fault) {
        self.plan.lock().by_commit.insert(number, fault);
    }

    /// Lets about one in `one_in` of all further operations fail, by numbers that `seed` gives: reads are refused,
    /// commits fail in every way.
    pub fn fail_at_random(&self, seed: u64, one_in: u64) {
        self.plan.lock().chance = Some(Chance {
            // The generator stays at 0 where it starts there.
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            one_in: one_in.max(1),
        });
    }

    /// Lets nothing fail any more, until it is told to again.
    pub fn heal(&self) {
        let mut plan = self.plan.lock();
        plan.by_operation.clear();
        plan.by_commit.clear();
        plan.chance = None;
    }

    /// How many operations there were, those that failed included: the number of the next.
    pub fn operations(&self) -> u64 {
        self.plan.lock().operations
    }

    /// How many of them were commits: the number of the next commit.
    pub fn commits(&self) -> u64 {
        self.plan.lock().commits
    }

    /// Lets a read through, or fails it. Nobody can tell a read whose answer was lost from one that was refused.
    fn read(&self) -> Result<(), Error> {
        self.plan.lock().next_read().map_or(Ok(()), Fault::answer)
    }
}

impl Plan {
    fn next_read(&mut self) -> Option<Fault> {
        let number = self.operations;
        self.operations += 1;
        let listed = self.by_operation.remove(&number);
        listed.or_else(|| self.chance.as_mut()?.strikes().then_some(Fault::Refused))
    }

    fn next_commit(&mut self) -> Option<Fault> {
        let (number, commit) = (self.operations, self.commits);
        self.operations += 1;
        self.commits += 1;
        let of_operation = self.by_operation.remove(&number);
        let of_commit = self.by_commit.remove(&commit);
        of_operation.or(of_commit).or_else(|| {
            let chance = self.chance.as_mut()?;
            chance.strikes().then(|| chance.fault())
        })
    }
}

impl Chance {
    fn strikes(&mut self) -> bool {
        self.below(self.one_in) == 0
    }

    fn fault(&mut self) -> Fault {
        match self.below(3) {
            0 => Fault::Refused,
            1 => Fault::Quota,
            _ => Fault::AnswerLost,
        }
    }

    /// Marsaglia's xorshift: its low bits suffice for tests.
    fn below(&mut self, bound: u64) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 16) % bound
    }
}

impl Fault {
    fn answer<T>(self) -> Result<T, Error> {
        Err(match self {
            Self::Refused => Error::storage("the operation was refused: a test asked for it"),
            Self::Quota => Error::quota("there is no room: a test asked for it"),
            Self::AnswerLost => Error::storage("the answer was lost: a test asked for it"),
        })
    }
}

impl<S: Storage> Storage for FaultyStorage<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.read()?;
        self.store.get(key).await
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.read()?;
        self.store.get_many(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        self.read()?;
        self.store.scan(scan).await
    }

    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.read()?;
        self.store.scan_prefix(prefix).await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        let fault = self.plan.lock().next_commit();
        // Issued here, not when the answer is awaited.
        let issued = reaches_the_store(fault).then(|| self.store.commit(batch));
        answered(fault, issued)
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let fault = self.plan.lock().next_commit();
        // Issued here, not when the answer is awaited.
        let issued = reaches_the_store(fault).then(|| self.store.commit_if(expected, batch));
        answered(fault, issued)
    }
}

fn reaches_the_store(fault: Option<Fault>) -> bool {
    matches!(fault, None | Some(Fault::AnswerLost))
}

/// What becomes of a commit, which was issued unless the fault is to keep it from the store.
async fn answered<T>(
    fault: Option<Fault>,
    issued: Option<impl Future<Output = Result<T, Error>>>,
) -> Result<T, Error> {
    let answer = match issued {
        Some(issued) => Some(issued.await?),
        None => None,
    };
    match (fault, answer) {
        (None, Some(answer)) => Ok(answer),
        (fault, _) => fault.unwrap_or(Fault::Refused).answer(),
    }
}
