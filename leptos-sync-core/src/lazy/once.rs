use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::error::Error;

/// A value that is loaded once, by the first caller.
///
/// A `OnceCell` that also passes the error of a failed load to all callers that waited for it.
pub(super) struct Once<T> {
    cell: OnceCell<T>,
    failures: Mutex<Failures>,
}

/// The number of failed loads, and the last error.
#[derive(Default)]
struct Failures {
    count: u64,
    last: Option<Arc<Error>>,
}

impl<T> Once<T> {
    pub(super) fn new() -> Self {
        Self {
            cell: OnceCell::new(),
            failures: Mutex::default(),
        }
    }

    pub(super) fn get(&self) -> Option<&T> {
        self.cell.get()
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        self.cell.get_mut()
    }

    /// Returns the value and loads it if necessary. If the caller that loads is dropped, the next
    /// waiting caller loads.
    pub(super) async fn get_or_load<L: Future<Output = Result<T, Error>>>(
        &self,
        load: impl FnOnce() -> L,
    ) -> Result<&T, Arc<Error>> {
        let before = self.failures.lock().count;
        let load = || async {
            // If a load failed while this caller waited, it is the load that the caller waited for.
            if let Some(error) = self.failed_since(before) {
                return Err(error);
            }
            load().await.map_err(|error| self.failed(error))
        };
        self.cell.get_or_try_init(load).await
    }

    fn failed_since(&self, before: u64) -> Option<Arc<Error>> {
        let failures = self.failures.lock();
        let last = failures.last.as_ref();
        last.filter(|_| failures.count > before).map(Arc::clone)
    }

    fn failed(&self, error: Error) -> Arc<Error> {
        let error = Arc::new(error);
        let mut failures = self.failures.lock();
        failures.count += 1;
        failures.last = Some(Arc::clone(&error));
        error
    }
}
