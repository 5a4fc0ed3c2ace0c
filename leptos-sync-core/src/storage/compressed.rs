use super::{Batch, Expected, Record, Scan, Storage, Write};
use crate::{
    codec::envelope::{self, Kind},
    error::Error,
};

/// A [`Storage`] decorator that compresses values where that pays off.
///
/// It tries values from [`limits::COMPRESS_FROM_BYTES`](crate::limits::COMPRESS_FROM_BYTES) to
/// [`limits::INFLATED_BYTES`](crate::limits::INFLATED_BYTES), and stores a value uncompressed if
/// compression saves less than an eighth. Keys stay uncompressed to preserve their order. A put
/// costs about 20 ns a byte. Reading a compressed value costs its decompression, and reading any
/// other value a check of six bytes.
///
/// The decorator can wrap a storage that has data: existing values stay readable, and are
/// compressed when they are next written. `docs/format.md` states how the two forms are
/// distinguished. The decorator cannot be removed again, since compressed values are readable only
/// through it.
///
/// Reading a value that is damaged, or that would inflate beyond the limits, fails with an
/// [`Error::is_corrupt`] that names its key. A read of several records returns such a value in its
/// stored form instead, so that it does not hide the others. The stored form is an envelope, which
/// decoders of deltas, snapshots and records reject.
///
/// # Example
///
/// ```
/// use leptos_sync_core::storage::{Batch, CompressedStorage, MemoryStorage, Storage};
///
/// let store = CompressedStorage::new(MemoryStorage::new());
/// let mut batch = Batch::new();
/// batch.put(*b"poem", "milk and honey, ".repeat(40) + &"a".repeat(800));
/// drop(store.commit(batch)); // The call compresses and issues the batch.
/// assert_eq!(store.store().len(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct CompressedStorage<S> {
    store: S,
}

impl<S> CompressedStorage<S> {
    /// Wraps `store`. Reads nothing.
    pub const fn new(store: S) -> Self {
        Self { store }
    }

    /// Returns the underlying storage, whose values are in their stored form.
    pub const fn store(&self) -> &S {
        &self.store
    }
}

impl<S: Storage> Storage for CompressedStorage<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let stored = self.store.get(key).await?;
        stored.map(|stored| inflate(key, stored)).transpose()
    }

    async fn get_many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Vec<u8>>>, Error> {
        let values = self.store.get_many(keys).await?.into_iter();
        Ok(values.map(|stored| stored.map(inflate_if_sound)).collect())
    }

    async fn scan(&self, scan: Scan) -> Result<Vec<Record>, Error> {
        Ok(inflate_all(self.store.scan(scan).await?))
    }

    async fn scan_prefix(&self, prefix: &[u8]) -> Result<Vec<Record>, Error> {
        Ok(inflate_all(self.store.scan_prefix(prefix).await?))
    }

    fn commit(&self, batch: Batch) -> impl Future<Output = Result<(), Error>> + 'static {
        self.store.commit(deflate_all(batch))
    }

    fn commit_if(
        &self,
        expected: Expected,
        batch: Batch,
    ) -> impl Future<Output = Result<bool, Error>> + 'static {
        // Short values have only one stored form, so the stored forms can be compared.
        let expected = Expected {
            key: expected.key,
            value: expected.value.map(deflate),
        };
        self.store.commit_if(expected, deflate_all(batch))
    }
}

fn deflate_all(batch: Batch) -> Batch {
    let mut stored = Batch::new();
    if batch.is_strict() {
        stored.strict();
    }
    for write in batch.into_writes() {
        match write {
            Write::Put(key, value) => stored.put(key, deflate(value)),
            Write::Delete(key) => stored.delete(key),
        };
    }
    stored
}

/// Returns the stored form of `value`.
fn deflate(value: Vec<u8>) -> Vec<u8> {
    if envelope::is_of(Kind::Value, &value) {
        // A plain value with this prefix would be mistaken for an envelope.
        let mut sealed = Vec::new();
        envelope::seal(Kind::Value, &value, &mut sealed);
        return sealed;
    }
    envelope::seal_if_it_pays(Kind::Value, &value).unwrap_or(value)
}

/// Decodes the stored form of the value at `key`.
fn inflate(key: &[u8], stored: Vec<u8>) -> Result<Vec<u8>, Error> {
    if !envelope::is_of(Kind::Value, &stored) {
        return Ok(stored);
    }
    match envelope::open(Kind::Value, &stored) {
        Ok(value) => Ok(value.into_owned()),
        Err(error) => Err(error.of(&format!("the value at \"{}\"", key.escape_ascii()))),
    }
}

/// Decodes a stored form, or returns it unchanged if it is damaged.
fn inflate_if_sound(stored: Vec<u8>) -> Vec<u8> {
    if !envelope::is_of(Kind::Value, &stored) {
        return stored;
    }
    match envelope::open(Kind::Value, &stored) {
        Ok(value) => value.into_owned(),
        Err(_) => stored,
    }
}

fn inflate_all(mut records: Vec<Record>) -> Vec<Record> {
    for (_, value) in &mut records {
        *value = inflate_if_sound(std::mem::take(value));
    }
    records
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    fn text(bytes: usize) -> Vec<u8> {
        // Write words in a pseudo-random order, so that the compression ratio stays within the
        // limit.
        let mut state = 1_u32;
        let mut out = Vec::with_capacity(bytes + 8);
        while out.len() < bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            out.extend_from_slice(
                [&b"milk "[..], b"honey ", b"bread ", b"tea "][(state >> 30) as usize],
            );
        }
        out.truncate(bytes);
        out
    }

    fn comes_back(value: &[u8]) -> Vec<u8> {
        let stored = deflate(value.to_vec());
        assert!(inflate(b"key", stored.clone()).unwrap() == value);
        stored
    }

    #[test]
    fn only_values_worth_compressing_are_compressed() {
        let long = text(limits::COMPRESS_FROM_BYTES);
        assert!(comes_back(&long).len() < long.len() * 7 / 8);
        for plain in [&b""[..], b"milk", &long[1..]] {
            assert_eq!(comes_back(plain), plain);
        }
        // Values beyond the permitted ratio, beyond the permitted size, and already compressed.
        let dense = vec![0; 100_000];
        let large = text(limits::INFLATED_BYTES + 1);
        let mut sealed = Vec::new();
        envelope::seal(Kind::Snapshot, &text(20_000), &mut sealed);
        for plain in [dense, large, sealed] {
            assert!(comes_back(&plain) == plain);
        }
    }

    #[test]
    fn a_value_that_looks_like_an_envelope_round_trips() {
        for seeming in [
            b"LSYN\x02\x03".to_vec(),
            b"LSYN\x02\x03\x01".to_vec(),
            b"LSYN\xff\x03 from a newer build".to_vec(),
            deflate(text(3000)),
            [&b"LSYN\x02\x03"[..], &text(5000)].concat(),
        ] {
            let stored = comes_back(&seeming);
            assert_ne!(stored, seeming);
            comes_back(&stored);
        }
    }

    #[test]
    fn a_damaged_value_is_an_error_that_names_its_key() {
        let stored = deflate(text(3000));
        for at in 6..stored.len() {
            let mut damaged = stored.clone();
            damaged[at] ^= 1;
            let error = inflate(b"a\xffb", damaged).unwrap_err();
            assert!(
                error.is_corrupt() || error.is_unsupported(),
                "{at}: {error}"
            );
            assert!(error.to_string().contains(r#""a\xffb""#), "{error}");
        }
        for len in 6..stored.len() {
            assert!(
                inflate(b"key", stored[..len].to_vec())
                    .unwrap_err()
                    .is_corrupt()
            );
        }
    }

    #[test]
    fn a_decompression_bomb_is_not_inflated() {
        let body = [7; 5000];
        for size in [
            limits::INFLATED_BYTES + 1,
            body.len() * limits::INFLATE_RATIO + 1,
            usize::MAX,
        ] {
            let bomb = envelope::forged(Kind::Value, size, &body);
            let error = inflate(b"bomb", bomb).unwrap_err();
            assert!(
                error.is_corrupt() && error.to_string().contains("\"bomb\""),
                "{error}"
            );
        }
    }
}
