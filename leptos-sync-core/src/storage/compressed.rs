use super::{Batch, Record, Scan, Storage, Write};
use crate::{
    codec::envelope::{self, Kind},
    error::Error,
};

/// A [`Storage`] whose values are compressed: those that are large enough and where it pays.
///
/// It wraps another one, and reads what that held before as it is. A value that was compressed is an envelope of a kind of
/// its own (`docs/format.md`), with a checksum; all others stand as they are. Keys are not compressed.
///
/// Writing costs some 20 ns for each byte of a value of at least
/// [`limits::COMPRESS_FROM_BYTES`](crate::limits::COMPRESS_FROM_BYTES); reading one that was compressed, a tenth of that.
/// A value beyond [`limits::INFLATED_BYTES`](crate::limits::INFLATED_BYTES) is left as it is.
///
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use leptos_sync_core::{Batch, CompressedStorage, MemoryStorage, Storage};
///
/// let disk = MemoryStorage::new();
/// let store = CompressedStorage::new(disk.clone());
/// let list: String = (0..1_000).map(|n| format!("{n} cartons of milk, ")).collect();
/// let mut batch = Batch::new();
/// batch.put(*b"list", list.as_bytes());
/// drop(store.commit(batch)); // Issued: not waiting for success does not undo it.
///
/// # fn now<T>(future: impl Future<Output = T>) -> T {
/// #     match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
/// #         Poll::Ready(output) => output,
/// #         Poll::Pending => unreachable!("memory never waits"),
/// #     }
/// # }
/// assert_eq!(now(store.get(b"list"))?.as_deref(), Some(list.as_bytes()));
/// assert!(now(disk.get(b"list"))?.is_some_and(|stored| stored.len() < list.len() / 3));
/// # Ok::<(), leptos_sync_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct CompressedStorage<St> {
    inner: St,
}

impl<St> CompressedStorage<St> {
    /// Compresses what goes into `inner` from now on.
    pub const fn new(inner: St) -> Self {
        Self { inner }
    }

    /// The storage that holds the compressed values.
    pub const fn inner(&self) -> &St {
        &self.inner
    }
}

/// What was compressed is larger than it was: nothing is written so.
fn packed(value: Vec<u8>) -> Vec<u8> {
    let starts_like_ours = envelope::is(Kind::Value, &value);
    if !starts_like_ours && !envelope::may_compress(value.len()) {
        return value;
    }
    let mut out = Vec::new();
    envelope::seal(Kind::Value, &value, &mut out);
    // A value that looks like one of ours is wrapped in any case, so that it comes back as it was.
    if starts_like_ours || out.len() < value.len() {
        out
    } else {
        value
    }
}

/// The value at `key` as it was written.
///
/// # Errors
///
/// As for [`envelope::open`], with the key.
fn unpacked(key: &[u8], value: Vec<u8>) -> Result<Vec<u8>, Error> {
    if !envelope::is(Kind::Value, &value) {
        return Ok(value);
    }
    match envelope::open(Kind::Value, &value) {
        Ok(body) => Ok(body.into_owned()),
        Err(error) => Err(error.at(&format!("the compressed value at {}", key.escape_ascii()))),
    }
}

fn records(packed: Vec<Record>) -> Result<Vec<Record>, Error> {
    packed
        .into_iter()
        .map(|(key, value)| {
            let value = unpacked(&key, value)?;
            Ok((key, value))
        })
        .collect()
}

impl<St: Storage> Storage for CompressedStorage<St> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let value = self.inner.get(key).await?;
        value.map(|value| unpacked(key, value)).transpose()
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let values = self.inner.get_many(keys).await?;
        keys.iter()
            .zip(values)
            .map(|(key, value)| value.map(|value| unpacked(key, value)).transpose())
            .collect()
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        records(self.inner.scan(scan).await?)
    }

    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        records(self.inner.scan_prefix(prefix).await?)
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        let mut smaller = Batch::new();
        if batch.is_strict() {
            smaller.strict();
        }
        for write in batch.into_writes() {
            match write {
                Write::Put(key, value) => smaller.put(key, packed(value)),
                Write::Delete(key) => smaller.delete(key),
            };
        }
        self.inner.commit(smaller)
    }
}
