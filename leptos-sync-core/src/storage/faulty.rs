use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::{Batch, Expected, Record, Scan, Storage};
use crate::error::Error;

/// A [`Storage`] decorator that fails on demand, for tests of code that uses a storage.
///
/// Operations are numbered from 0; a commit gets its number when it is issued. Commits are also
/// counted separately. Only these numbers and a seed determine what fails, so every run fails in
/// the same place. Clones share the counts and the faults. The decorator adds no delays.
///
/// [`Fault::AnswerLost`] deliberately breaks the law that an error changes nothing, like a disk
/// whose answer never arrived.
///
/// # Example
///
/// ```
/// use std::{pin::pin, task::{Context, Poll, Waker}};
/// use leptos_sync_core::storage::{Batch, Fault, FaultyStorage, MemoryStorage, Storage};
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

/// A way in which an operation of a [`FaultyStorage`] fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Fails before it reaches the storage.
    Refused,
    /// Fails before it reaches the storage, as if the quota were exceeded.
    Quota,
    /// The operation takes effect but returns an error.
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

/// Random faults, in addition to the planned ones.
#[derive(Debug)]
struct Chance {
    state: u64,
    one_in: u64,
}

impl<S> FaultyStorage<S> {
    /// Wraps `store`, without faults.
    pub fn new(store: S) -> Self {
        Self {
            store,
            plan: Arc::default(),
        }
    }

    /// Returns the underlying storage.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Makes the operation with this number fail, whether it reads or commits.
    pub fn fail_operation(&self, number: u64, fault: Fault) {
        self.plan.lock().by_operation.insert(number, fault);
    }

    /// Makes a commit fail. `number` counts only commits.
    pub fn fail_commit(&self, number: u64, fault: Fault) {
        self.plan.lock().by_commit.insert(number, fault);
    }

    /// Makes about one in `one_in` of all further operations fail. `seed` determines which. Reads
    /// are rejected; commits fail in every way.
    pub fn fail_at_random(&self, seed: u64, one_in: u64) {
        self.plan.lock().chance = Some(Chance {
            // A state of 0 would generate only zeros.
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            one_in: one_in.max(1),
        });
    }

    /// Removes all faults.
    pub fn heal(&self) {
        let mut plan = self.plan.lock();
        plan.by_operation.clear();
        plan.by_commit.clear();
        plan.chance = None;
    }

    /// Returns the number of operations so far, including failed ones. It is the number of the next
    /// operation.
    pub fn operations(&self) -> u64 {
        self.plan.lock().operations
    }

    /// Returns the number of commits so far. It is the number of the next commit.
    pub fn commits(&self) -> u64 {
        self.plan.lock().commits
    }

    /// Returns an error if the next read must fail. A read whose answer is lost looks like a
    /// rejected one.
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

    /// Returns a number below `bound` from Marsaglia's xorshift. Its low bits are good enough for
    /// tests.
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
            Self::Refused => Error::storage("the operation was refused by a planned fault"),
            Self::Quota => Error::quota("the quota was exceeded by a planned fault"),
            Self::AnswerLost => Error::storage("the answer was lost by a planned fault"),
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
        // Issue the commit now, and not when the future is polled.
        let issued = reaches_the_store(fault).then(|| self.store.commit(batch));
        answered(fault, issued)
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        let fault = self.plan.lock().next_commit();
        // Issue the commit now, and not when the future is polled.
        let issued = reaches_the_store(fault).then(|| self.store.commit_if(expected, batch));
        answered(fault, issued)
    }
}

fn reaches_the_store(fault: Option<Fault>) -> bool {
    matches!(fault, None | Some(Fault::AnswerLost))
}

/// Returns the result of a commit. The commit was issued, unless the fault keeps it from the
/// storage.
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
