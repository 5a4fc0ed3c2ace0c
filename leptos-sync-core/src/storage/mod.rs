//! Ordered key-value storage with atomic batches.

mod batch;
#[cfg(feature = "cache")]
mod cached;
#[cfg(feature = "deflate")]
mod compressed;
#[cfg(feature = "testing")]
pub mod conformance;
mod damage;
#[cfg(feature = "testing")]
mod faulty;
pub mod index;
mod memory;
#[cfg(feature = "metrics")]
mod metered;
pub(crate) mod named;

use std::ops::Bound;

use crate::error::Error;

pub use batch::{Batch, Expected, Write};
#[cfg(feature = "cache")]
pub use cached::{CacheLimits, CachedStorage};
#[cfg(feature = "deflate")]
pub use compressed::CompressedStorage;
pub use damage::Damage;
#[cfg(feature = "testing")]
pub use faulty::{Fault, FaultyStorage};
pub use memory::MemoryStorage;
#[cfg(feature = "metrics")]
pub use metered::MeteredStorage;

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// An asynchronous, ordered key-value store with atomic batches.
///
/// Keys and values are bytes; keys are in byte order. An implementation is a handle: its methods
/// take `&self`, and its clones, if it has any, share one store. Futures need not be `Send`, since
/// those of a browser are not.
///
/// # Laws
///
/// - Atomicity: a batch is applied entirely or not at all, even if the process dies. Its writes
///   take effect in order.
/// - Visibility: once [`commit`](Storage::commit) resolves successfully, every later read sees the
///   batch.
/// - Order: calling `commit` *issues* the batch. The call fixes the position among other batches,
///   before the future is first polled. Dropping the future does not undo the commit. A page that
///   is about to close relies on this.
/// - Isolation: a scan sees one state of the storage, never a part of a batch.
/// - An error changes nothing.
#[expect(
    async_fn_in_trait,
    reason = "a browser's futures are never Send; native callers hold concrete types"
)]
pub trait Storage {
    /// Returns the value at `key`.
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] if the storage fails.
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// Returns the values at `keys`, in order, read from one state of the storage.
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] if the storage fails.
    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error>;

    /// Returns the records that `scan` describes.
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] if the storage fails.
    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error>;

    /// Returns all records whose keys start with `prefix`, in order, like a [`scan`](Storage::scan)
    /// of [`Scan::prefix`].
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] if the storage fails.
    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.scan(Scan::prefix(prefix)).await
    }

    /// Issues a batch immediately, and resolves when it is applied.
    ///
    /// # Errors
    ///
    /// [`Error::is_quota`] if the quota is exceeded, [`Error::is_storage`] if the storage fails.
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static;

    /// Issues a conditional batch immediately. The batch is applied only if the storage has the
    /// `expected` value at its position in the order.
    ///
    /// Resolves to whether the batch was applied. With it, a read-modify-write cycle is safe while
    /// others write.
    ///
    /// # Errors
    ///
    /// Those of [`commit`](Storage::commit). A condition that does not hold is not an error.
    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static;
}

/// A range of records for [`Storage::scan`], and their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The lower bound of the keys.
    pub start: Bound<Vec<u8>>,
    /// The upper bound of the keys.
    pub end: Bound<Vec<u8>>,
    /// The maximum number of records.
    pub limit: Option<usize>,
    /// Whether to start from the greatest key.
    pub reverse: bool,
}

impl Scan {
    /// Selects all records, in order.
    pub const fn all() -> Self {
        Self {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
            limit: None,
            reverse: false,
        }
    }

    /// Selects all keys that start with `prefix`, in order.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            start: Bound::Included(prefix.to_vec()),
            end: prefix_end(prefix),
            ..Self::all()
        }
    }

    /// Limits the number of records.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Reverses the order.
    #[must_use]
    pub const fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Returns whether no key can be within the bounds. Many ordered stores fail or panic on such a
    /// range.
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (_, Bound::Unbounded) | (Bound::Unbounded, Bound::Included(_)) => false,
            // No key is less than the empty one.
            (Bound::Unbounded, Bound::Excluded(end)) => end.is_empty(),
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => start >= end,
        }
    }
}

/// Returns the upper bound of all keys that start with `prefix`.
pub(crate) fn prefix_end(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Bound::Excluded(end);
        }
    }
    Bound::Unbounded
}
