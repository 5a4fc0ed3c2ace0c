use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;

use super::{Batch, Record, Scan, Storage};
use crate::error::Error;

/// A [`Storage`] that fails when it is told to: for tests of what is built on one.
///
/// It wraps another one and counts the operations (reads, scans and commits) that are asked of it. One that is to fail
/// does not reach the storage within, as the laws demand: an error has changed nothing. Clones are handles of one.
///
/// Available with the feature `testing`.
#[derive(Clone, Debug, Default)]
pub struct FaultyStorage<St> {
    inner: St,
    plan: Arc<Mutex<Plan>>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The operation fails with [`Error::is_storage`].
    Refused,
    /// The operation fails with [`Error::is_quota`].
    Full,
    /// This operation and all after it fail with [`Error::is_storage`], until [`FaultyStorage::repair`].
    Gone,
}

#[derive(Debug, Default)]
struct Plan {
    operations: usize,
    faults: BTreeMap<usize, Fault>,
    gone: bool,
}

impl<St> FaultyStorage<St> {
    /// Fails nothing yet.
    pub fn new(inner: St) -> Self {
        Self {
            inner,
            plan: Arc::default(),
        }
    }

    /// The storage within, which never fails by this.
    pub const fn inner(&self) -> &St {
        &self.inner
    }

    /// The operation `at` will fail; the first that is ever asked for is 0.
    pub fn fail(&self, at: usize, fault: Fault) {
        self.plan.lock().faults.insert(at, fault);
    }

    /// How many operations were asked for so far: the place of the next.
    pub fn operations(&self) -> usize {
        self.plan.lock().operations
    }

    /// From now on nothing fails.
    pub fn repair(&self) {
        let mut plan = self.plan.lock();
        plan.faults.clear();
        plan.gone = false;
    }

    /// Counts an operation, and fails if it is to.
    fn operation(&self) -> Result<(), Error> {
        let mut plan = self.plan.lock();
        let at = plan.operations;
        plan.operations += 1;
        let fault = plan.faults.remove(&at);
        plan.gone |= fault == Some(Fault::Gone);
        if plan.gone {
            return Err(Error::storage("injected: the store is gone"));
        }
        match fault {
            Some(Fault::Full) => Err(Error::quota("injected: there is no room")),
            Some(_) => Err(Error::storage("injected: the operation was refused")),
            None => Ok(()),
        }
    }
}

impl<St: Storage> Storage for FaultyStorage<St> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        self.operation()?;
        self.inner.get(key).await
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        self.operation()?;
        self.inner.get_many(keys).await
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        self.operation()?;
        self.inner.scan(scan).await
    }

    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.operation()?;
        self.inner.scan_prefix(prefix).await
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        // Its place among other batches is taken now.
        let issued = self.operation().map(|()| self.inner.commit(batch));
        async { issued?.await }
    }
}
