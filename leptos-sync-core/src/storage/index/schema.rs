use std::{
    borrow::Borrow,
    fmt,
    marker::PhantomData,
    ops::{Bound, RangeBounds},
    sync::Arc,
};

use super::{
    key::{IndexKey, bytes_of, text_prefix},
    query::Query,
};
use crate::{error::Error, limits};

/// A secondary index: a name and the keys under which it lists a record.
///
/// The same value [declares](Schema::index) the index and builds queries. `Q` is the type of its
/// keys. Cloning it is cheap: it only increments a reference count.
///
/// ```
/// use leptos_sync_core::index::Index;
///
/// struct Person {
///     first: String,
///     last: String,
///     age: u32,
///     email: String,
///     tags: Vec<String>,
/// }
///
/// let by_age = Index::new("age", |person: &Person| person.age);
/// let by_name = Index::new("name", |person: &Person| (person.last.clone(), person.first.clone()));
/// let by_email = Index::unique("email", |person: &Person| person.email.clone());
/// let by_tag = Index::multi("tag", |person: &Person| person.tags.clone());
///
/// let adults = by_age.range(18..);
/// let smiths = by_name.leading(&("Smith",));
/// # drop((adults, smiths, by_email, by_tag));
/// ```
pub struct Index<R, Q> {
    declared: Declared<R>,
    keys: PhantomData<fn() -> Q>,
}

/// An index without the type of its keys, as a [`Schema`] stores it.
pub(super) struct Declared<R> {
    pub(super) name: Arc<str>,
    pub(super) unique: bool,
    /// The maximum number of keys per record.
    most: usize,
    list: Arc<List<R>>,
}

/// A function that passes each encoded key of a record to a callback.
type List<R> = dyn Fn(&R, &mut dyn FnMut(Vec<u8>)) + Send + Sync;

/// The indices of an [`IndexedStorage`](super::IndexedStorage), and the version of the app's schema
/// that declares them.
///
/// ```
/// use leptos_sync_core::index::{Index, Schema};
///
/// struct Person {
///     age: u32,
///     email: String,
/// }
///
/// let by_age = Index::new("age", |person: &Person| person.age);
/// let by_email = Index::unique("email", |person: &Person| person.email.clone());
/// // The app's first version had no index by email.
/// let schema = Schema::new(2).index(&by_age).index(&by_email);
/// # drop(schema);
/// ```
pub struct Schema<R> {
    pub(super) version: u32,
    pub(super) indices: Vec<Declared<R>>,
}

impl<R: 'static, Q: IndexKey + 'static> Index<R, Q> {
    /// Creates an index that lists each record under the key that `key` returns.
    pub fn new(name: &str, key: impl Fn(&R) -> Q + Send + Sync + 'static) -> Self {
        Self::listing(name, false, move |record, list| {
            list(bytes_of(&key(record)))
        })
    }

    /// Creates an index like [`new`](Index::new) that rejects a write which would give two records
    /// the same key.
    ///
    /// While the index is being [built](super::IndexedStorage::build), a write that needs a new key
    /// finishes the build first, since a record that is not listed yet may have that key. Build the
    /// index before users edit, so that they do not wait for it.
    ///
    /// Two replicas that are offline may each give a record the same key. A merge rejects nothing:
    /// both records are listed under that key until a user changes one of them.
    pub fn unique(name: &str, key: impl Fn(&R) -> Q + Send + Sync + 'static) -> Self {
        Self::listing(name, true, move |record, list| list(bytes_of(&key(record))))
    }

    /// Creates an index that lists each record under all keys that `keys` returns, at most
    /// [`limits::INDEX_KEYS`].
    ///
    /// A merge accepts a record with keys beyond a limit, but does not list it under those keys.
    pub fn multi<I: IntoIterator<Item = Q>>(
        name: &str,
        keys: impl Fn(&R) -> I + Send + Sync + 'static,
    ) -> Self {
        Self::listing(name, false, move |record, list| {
            keys(record)
                .into_iter()
                .for_each(|key| list(bytes_of(&key)));
        })
    }

    fn listing(
        name: &str,
        unique: bool,
        list: impl Fn(&R, &mut dyn FnMut(Vec<u8>)) + Send + Sync + 'static,
    ) -> Self {
        let (name, list) = (Arc::from(name), Arc::new(list));
        Self {
            declared: Declared {
                name,
                unique,
                most: limits::INDEX_KEYS,
                list,
            },
            keys: PhantomData,
        }
    }

    /// Limits the number of keys per record.
    pub(crate) fn max_keys(mut self, keys: usize) -> Self {
        self.declared.most = keys;
        self
    }

    /// Returns the name of the index.
    pub fn name(&self) -> &str {
        &self.declared.name
    }

    /// Matches all records that the index lists, in the order of its keys.
    pub fn all(&self) -> Query {
        self.between(Bound::Unbounded, Bound::Unbounded)
    }

    /// Matches the records under `key`.
    pub fn equals<B: IndexKey + ?Sized>(&self, key: &B) -> Query
    where
        Q: Borrow<B>,
    {
        self.starting(&bytes_of(key))
    }

    /// Matches the records under the keys in `range`.
    pub fn range<B: IndexKey>(&self, range: impl RangeBounds<B>) -> Query
    where
        Q: Borrow<B>,
    {
        let bytes = |bound: Bound<&B>| bound.map(bytes_of);
        self.between(bytes(range.start_bound()), bytes(range.end_bound()))
    }

    /// Matches the records under composite keys that begin with `first`, a shorter tuple of the
    /// same types.
    pub fn leading(&self, first: &impl IndexKey) -> Query {
        self.starting(&bytes_of(first))
    }

    fn starting(&self, bytes: &[u8]) -> Query {
        let bytes = || Bound::Included(bytes.to_vec());
        self.between(bytes(), bytes())
    }

    fn between(&self, start: Bound<Vec<u8>>, end: Bound<Vec<u8>>) -> Query {
        Query::by(Some(Arc::clone(&self.declared.name)), start, end)
    }
}

impl<R: 'static, Q: IndexKey + Borrow<str> + 'static> Index<R, Q> {
    /// Matches the records under strings that start with `text`.
    pub fn prefix(&self, text: &str) -> Query {
        self.starting(&text_prefix(text))
    }
}

impl<R> Schema<R> {
    /// Returns a schema without indices.
    ///
    /// Raise `version` with every change of the indices. An app that declares a lower version than
    /// the storage's can read but not write.
    pub const fn new(version: u32) -> Self {
        Self {
            version,
            indices: Vec::new(),
        }
    }

    /// Adds an index. If records already exist, the index must be
    /// [built](super::IndexedStorage::build).
    #[must_use]
    pub fn index<Q>(mut self, index: &Index<R, Q>) -> Self {
        self.indices.push(index.declared.clone());
        self
    }

    /// Applies the indices to a part of `W`.
    pub(crate) fn within<W: 'static>(self, part: fn(&W) -> Option<&R>) -> Schema<W>
    where
        R: 'static,
    {
        let within = |index: Declared<R>| Declared {
            name: index.name,
            unique: index.unique,
            most: index.most,
            list: Arc::new(move |whole: &W, out: &mut dyn FnMut(Vec<u8>)| {
                if let Some(record) = part(whole) {
                    (index.list)(record, out);
                }
            }),
        };
        Schema {
            version: self.version,
            indices: self.indices.into_iter().map(within).collect(),
        }
    }

    /// Rejects a schema beyond the limits.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.version == 0 {
            return Err(Error::value(
                "version 0 of a schema is reserved; start with 1",
            ));
        }
        if self.indices.len() > limits::INDICES {
            return Err(Error::limit("the schema has too many indices"));
        }
        for (at, index) in self.indices.iter().enumerate() {
            let same = |other: &Declared<R>| other.name == index.name;
            if self.indices.iter().take(at).any(same) {
                return Err(Error::value(format!(
                    "two indices are called \"{}\"; give each a different name",
                    index.name
                )));
            }
            if index.name.len() > limits::NAME_BYTES {
                let (bytes, advice) = (index.name.len() as u64, "use a shorter name");
                return Err(Error::too_large("name", bytes, limits::NAME_BYTES, advice));
            }
        }
        Ok(())
    }
}

impl<R> Declared<R> {
    /// Returns the keys under which this index lists `record`, sorted and without duplicates. Omits
    /// keys that are too long, and keys beyond the maximum number.
    pub(super) fn keys(&self, record: &R) -> Vec<Vec<u8>> {
        let mut keys = self.all_keys(record);
        keys.retain(|key| key.len() <= limits::INDEX_KEY_BYTES);
        keys.truncate(self.most);
        keys
    }

    /// Rejects an edit that adds a key which cannot be listed, or more keys than the index allows.
    ///
    /// A merge, or a build of the app without this index, may already have added such keys. Other
    /// edits of the record are still accepted, and so are those that make it smaller. A unique
    /// index accepts no new key that is too long, even if it is shorter than the old one, because
    /// the index could not determine whether another record has it.
    pub(super) fn check(&self, old: Option<&R>, new: &R) -> Result<(), Error> {
        let keys = self.all_keys(new);
        let long = |key: &&Vec<u8>| key.len() > limits::INDEX_KEY_BYTES;
        if keys.len() <= self.most && !keys.iter().any(|key| long(&key)) {
            return Ok(());
        }
        let before = old.map(|old| self.all_keys(old)).unwrap_or_default();
        let mut added = keys.iter().filter(|key| before.binary_search(key).is_err());
        if let Some(key) = added.find(long)
            && (self.unique || excess(&keys) > excess(&before))
        {
            let (bytes, what) = (key.len() as u64, "key of an index");
            let advice = "index a part of the value, such as its beginning";
            return Err(Error::too_large(
                what,
                bytes,
                limits::INDEX_KEY_BYTES,
                advice,
            ));
        }
        if keys.len() > self.most.max(before.len()) {
            return Err(Error::limit(format!(
                "a record has {} keys in the index \"{}\", and {} are allowed",
                keys.len(),
                self.name,
                self.most
            )));
        }
        Ok(())
    }

    fn all_keys(&self, record: &R) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        (self.list)(record, &mut |key| keys.push(key));
        keys.sort_unstable();
        keys.dedup();
        keys
    }
}

/// Returns the number of bytes by which keys exceed the limit.
fn excess(keys: &[Vec<u8>]) -> usize {
    let excess = |key: &Vec<u8>| key.len().saturating_sub(limits::INDEX_KEY_BYTES);
    keys.iter().map(excess).sum()
}

impl<R> Clone for Declared<R> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            unique: self.unique,
            most: self.most,
            list: Arc::clone(&self.list),
        }
    }
}

impl<R, Q> Clone for Index<R, Q> {
    fn clone(&self) -> Self {
        Self {
            declared: self.declared.clone(),
            keys: PhantomData,
        }
    }
}

impl<R, Q> fmt::Debug for Index<R, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.declared, f)
    }
}

impl<R> fmt::Debug for Declared<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("name", &self.name)
            .field("unique", &self.unique)
            .finish_non_exhaustive()
    }
}

impl<R> fmt::Debug for Schema<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema")
            .field("version", &self.version)
            .field("indices", &self.indices)
            .finish()
    }
}
