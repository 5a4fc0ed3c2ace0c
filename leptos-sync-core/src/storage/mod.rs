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
mod indexed;
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
pub use indexed::{
    Cursor, Index, IndexKey, IndexProgress, IndexedStorage, Page, Query, RecordKey, Schema,
};
pub(crate) use indexed::{Form, Matcher, Old, Origin, Slot, bytes_of, parse};
pub use memory::MemoryStorage;
#[cfg(feature = "metrics")]
pub use metered::MeteredStorage;

/// A key and its value.
pub type Record = (Vec<u8>, Vec<u8>);

/// An asynchronous, ordered key-value store with atomic batches.
///
/// Keys and values are bytes; keys are ordered as bytes. An implementation is a handle: its methods take `&self`, and
/// clones of it (where it has any) see one store. Futures need not be `Send`, since a browser's are not.
///
/// # Laws
///
/// - A batch is applied whole or not at all, also when the process dies in between; its writes take effect in order.
/// - When [`commit`](Storage::commit) has resolved with success, every later read sees the batch.
/// - Calling `commit` *issues* the batch: its place among other batches is taken when the method is called, before the
///   future is first polled, and dropping the future does not undo it. A page that is about to be closed relies on it.
/// - A scan sees one state of the store, never half a batch.
/// - An error has changed nothing.
#[expect(
    async_fn_in_trait,
    reason = "a browser's futures are never Send; native callers hold concrete types"
)]
pub trait Storage {
    /// The value at `key`.
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] when the store fails.
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error>;

    /// The values at `keys`, in their order, read from one state of the store.
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] when the store fails.
    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error>;

    /// The records of a range, as [`Scan`] describes it.
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] when the store fails.
    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error>;

    /// All records whose keys start with `prefix`, in order: as a [`scan`](Storage::scan) of [`Scan::prefix`].
    ///
    /// # Errors
    ///
    /// [`Error::is_storage`] when the store fails.
    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        self.scan(Scan::prefix(prefix)).await
    }

    /// Issues a batch at once; resolves when it is applied.
    ///
    /// # Errors
    ///
    /// [`Error::is_quota`] when there is no room, [`Error::is_storage`] when the store fails.
    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static;

    /// Issues a batch at once that is applied only where the store then has what is `expected`; resolves to whether it
    /// was. This is how a reader writes back what it made of what it read, though others write meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`commit`](Storage::commit). That something else was there is not an error.
    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static;
}

/// Which records a [`Storage::scan`] reads, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The least key.
    pub start: Bound<Vec<u8>>,
    /// The greatest key.
    pub end: Bound<Vec<u8>>,
    /// At most so many records.
    pub limit: Option<usize>,
    /// From the greatest key down.
    pub reverse: bool,
}

impl Scan {
    /// Everything, in order.
    pub const fn all() -> Self {
        Self {
            start: Bound::Unbounded,
            end: Bound::Unbounded,
            limit: None,
            reverse: false,
        }
    }

    /// All keys that start with `prefix`, in order.
    pub fn prefix(prefix: &[u8]) -> Self {
        Self {
            start: Bound::Included(prefix.to_vec()),
            end: prefix_end(prefix),
            ..Self::all()
        }
    }

    /// At most `limit` records.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// From the greatest key down.
    #[must_use]
    pub const fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }

    /// Whether no key can lie between the bounds. Ordered stores tend to fail or panic on such a range.
    pub fn is_empty(&self) -> bool {
        match (&self.start, &self.end) {
            (_, Bound::Unbounded) | (Bound::Unbounded, Bound::Included(_)) => false,
            // Nothing is less than the empty key.
            (Bound::Unbounded, Bound::Excluded(end)) => end.is_empty(),
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (
                Bound::Included(start) | Bound::Excluded(start),
                Bound::Included(end) | Bound::Excluded(end),
            ) => start >= end,
        }
    }
}

/// The least key that is greater than all keys that start with `prefix`.
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
